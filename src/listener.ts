/**
 * A listening server as an actor: it is closed when its actor ends, and opened again at the same port when its actor is
 * started again.
 */
import type { AnyActorRef } from 'xstate';
import type { StartContext } from './otp/child-spec.js';
import { fromProcess } from './otp/from-process.js';

export interface ListeningServer {
  readonly address: string;
  readonly port: number;
  stop(graceMs: number): Promise<void>;
}

/** How long open connections may take to end in order before they are cut: half of what a stop has left when its deadline is over. */
const GRACE_MS = 500;

export class Listener<S extends ListeningServer> {
  readonly #open: (port: number | undefined) => Promise<S>;
  #server: S | undefined;
  /** The real port, kept over restarts: whoever found us at an ephemeral port finds us there again. */
  #port: number | undefined;

  constructor(open: (port: number | undefined) => Promise<S>) {
    this.#open = open;
  }

  get server(): S | undefined {
    return this.#server;
  }

  get bound(): boolean {
    return this.#server !== undefined;
  }

  readonly start = async ({ spawn }: StartContext): Promise<AnyActorRef> => {
    const server = await this.#open(this.#port);
    this.#port = server.port;
    try {
      return spawn(this.#logic, server);
    } catch (error) {
      await server.stop(0);
      throw error;
    }
  };

  readonly #logic = fromProcess<S>(
    ({ input: server, scope }) => {
      this.#server = server;
      scope.acquire('server', async () => {
        if (this.#server === server) this.#server = undefined;
        await server.stop(GRACE_MS);
      });
      return {};
    },
    { kind: 'listener' },
  );
}
