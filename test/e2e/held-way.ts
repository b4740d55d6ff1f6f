/** A way to somebody that can be held: what is said after that arrives when it is let go, whoever said it and however they fare. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export class HeldWay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #held: (() => void)[] | undefined;
  /** Bytes that wait. */
  waiting = 0;

  private constructor(to: number) {
    this.#server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => this.#sockets.delete(socket));
      }
      near.on('data', (bytes) => {
        if (this.#held) this.waiting += bytes.length;
        this.#inOrder(() => far.write(bytes));
      });
      near.on('close', () => this.#inOrder(() => far.end()));
      far.on('data', (bytes) => near.write(bytes));
      far.on('close', () => near.destroy());
    });
  }

  static async to(address: string): Promise<HeldWay> {
    const way = new HeldWay(Number(address.split(':')[1]));
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => way.#close());
    return way;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fn of held) fn();
  }

  #inOrder(fn: () => void): void {
    if (this.#held) this.#held.push(fn);
    else fn();
  }

  #close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
