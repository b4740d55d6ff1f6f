/** One relay and its viewers, each in a process of its own. */
import { Peer, wait } from '../peer.js';
import { material, TLS } from './material.js';
import type { Measured, RelayAsks } from './server.js';
import type { SinkAsks } from './sink.js';

export const KINDS = ['naive', 'pass-through', 'http2', 'tcp', 'sluice'] as const;
export type Kind = (typeof KINDS)[number];

export interface Load {
  readonly bytes: number;
  readonly viewers: number;
  readonly fps: number;
}

/** A turn runs in before it is measured. */
const RUN_IN_MS = 1_000;

export class Relay {
  readonly kind: Kind;
  readonly #server: Peer<RelayAsks>;
  readonly #sink = new Peer<SinkAsks>(new URL('./sink.js', import.meta.url));

  private constructor(kind: Kind) {
    this.kind = kind;
    this.#server = new Peer(new URL('./server.js', import.meta.url), material ? [kind, TLS] : [kind]);
  }

  static async start(kind: Kind, { viewers }: Load): Promise<Relay> {
    const relay = new Relay(kind);
    const port = await relay.#server.ask('listen');
    await relay.#sink.ask('open', { port, viewers, tls: material !== undefined });
    while ((await relay.#server.ask('viewers')) < viewers) await wait(20);
    return relay;
  }

  async turn({ bytes, fps }: Load, measureMs: number): Promise<Measured> {
    await this.#server.ask('begin', { bytes, fps });
    await wait(RUN_IN_MS);
    const before = await this.#sink.ask('received');
    await this.#server.ask('mark');
    await wait(measureMs);
    const measured = await this.#server.ask('measure');
    const came = (await this.#sink.ask('received')) - before;
    // What was written a moment before may still be on its way.
    if (came < 0.8 * measured.deliveries * bytes) {
      throw new Error(`${this.kind}: ${measured.deliveries} × ${bytes} bytes written, ${came} came`);
    }
    return measured;
  }

  async end(): Promise<void> {
    await Promise.all([this.#server.end(), this.#sink.end()]);
  }
}
