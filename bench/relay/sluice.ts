/** The whole gateway as a relay: supervised viewers, each with its bounded queue. */
import { BenchGateway } from '../gateway.js';
import { CAMERA, type Contender } from './contender.js';
import { material } from './material.js';

const SOURCE = 'bench:camera';

export class SluiceRelay implements Contender {
  #gateway: BenchGateway | undefined;

  async listen(): Promise<number> {
    const cameras = [{ id: CAMERA, source: SOURCE, staleMs: 60_000, firstFrameMs: 60_000 }];
    this.#gateway = await BenchGateway.start({ cameras }, material);
    return this.#gateway.server.port;
  }

  viewers(): number {
    return this.#gateway?.figures().viewers ?? 0;
  }

  publish(picture: Buffer): void {
    this.#gateway?.publish(SOURCE, picture);
  }

  delivered(): number {
    return this.#gateway?.figures().sent ?? 0;
  }

  dropped(): number {
    return this.#gateway?.figures().drops ?? 0;
  }
}
