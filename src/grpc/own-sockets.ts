/**
 * The sockets that a library opens on our behalf. grpc-js gives no way to its sockets, and closing a client of it leaves some
 * behind: one whose peer took TCP and never spoke, and one that the network swallowed. Node tells of every client socket as
 * it is made; an asynchronous context tells on whose behalf.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const owner = new AsyncLocalStorage<OwnSockets | undefined>();

subscribe('net.client.socket', (message) => {
  owner.getStore()?.add((message as { readonly socket: Socket }).socket);
});

export class OwnSockets {
  readonly #open = new Set<Socket>();
  #refused = false;
  #whenNone: (() => void)[] = [];

  /** Runs `fn`; the sockets that it opens, now or in what it starts, are these. */
  during<T>(fn: () => T): T {
    return owner.run(this, fn);
  }

  /** Runs `fn` as somebody else's work, though it is called from within. */
  static outside<T>(fn: () => T): T {
    return owner.run(undefined, fn);
  }

  /** From now on there are none: those that are open, or are opened later, are destroyed. */
  destroy(): void {
    this.#refused = true;
    for (const socket of this.#open) socket.destroy();
  }

  /** Resolves when none is open, at once where there is none. After `graceMs` those that are left are destroyed. */
  async gone(graceMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const timer = setTimeout(() => this.destroy(), graceMs);
    await new Promise<void>((resolve) => this.#whenNone.push(resolve));
    clearTimeout(timer);
  }

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size > 0) return;
      for (const resolve of this.#whenNone.splice(0)) resolve();
    });
    // Not here: it is told of before it connects, and connecting would bring it to life again.
    if (this.#refused) setImmediate(() => socket.destroy());
  }
}
