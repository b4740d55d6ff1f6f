/** A wire between two sides that can swallow everything, as a network does that drops packets and resets nothing. */
import { connect as connectTcp, createServer, type Socket } from 'node:net';

/** Carries bytes between two sides, until it swallows them and says nothing. */
export class Pipe {
  readonly address: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets: Socket[];

  private constructor(address: string, server: ReturnType<typeof createServer>, sockets: Socket[]) {
    this.address = address;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async before(target: string): Promise<Pipe> {
    const [host, port] = target.split(':');
    const sockets: Socket[] = [];
    const server = createServer((near) => {
      const far = connectTcp(Number(port), host);
      for (const socket of [near, far]) sockets.push(socket.on('error', () => {}));
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Pipe(`127.0.0.1:${(server.address() as { port: number }).port}`, server, sockets);
  }

  swallow(): void {
    for (const socket of this.#sockets) socket.unpipe().on('data', () => {});
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
