/**
 * A session as a supervisor: one client and that client's streams. The client is significant, so the session ends with
 * it, and a stream cannot outlive its client.
 *
 * What this version leaves out: the grace in which a client may come back. A session ends as soon as its client does.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { Process, ProcessBody } from '../otp/process.js';
import { supervisor } from '../otp/supervisor.js';
import { startChild } from '../otp/supervisor-api.js';
import { Client, type ClientOptions, clientLogic } from './client.js';
import { GatewayError } from './gateway-error.js';
import type { GatewayOptions } from './options.js';
import { type StreamBody, streamInput, streamLogic } from './stream.js';

/** How long a client or a stream of a session may take to end when it is asked to. */
const SHUTDOWN_MS = 2_000;

export interface SessionInput {
  readonly client: Client;
}

export const sessionLogic: AnyActorLogic = supervisor<SessionInput>(({ client }) => ({
  autoShutdown: 'any_significant',
  parallelStop: true,
  children: [
    {
      id: 'client',
      restart: 'temporary',
      significant: true,
      shutdown: SHUTDOWN_MS,
      start: ({ spawn }) => spawn(clientLogic, client.input, client),
    },
  ],
}));

export class Session implements ProcessBody {
  readonly id: string;
  readonly client: Client;
  /** Resolves when its start is over, however it went. */
  begun: Promise<void> = Promise.resolve();
  readonly #streams = new Set<StreamBody>();
  readonly #options: GatewayOptions;
  readonly #onEnd: () => void;
  #process: Process | undefined;
  #lastStream = 0;

  constructor(id: string, clientOptions: ClientOptions, options: GatewayOptions, onEnd: () => void) {
    this.id = id;
    this.client = new Client(clientOptions);
    this.#options = options;
    this.#onEnd = onEnd;
  }

  attach(process: Process): void {
    this.#process = process;
    process.scope.acquire('session_entry', this.#onEnd);
  }

  get process(): Process {
    return this.#process as Process;
  }

  /** Started, and not ended. */
  get alive(): boolean {
    return this.#process?.alive === true;
  }

  get nodeId(): string {
    return this.client.nodeId;
  }

  get streams(): ReadonlySet<StreamBody> {
    return this.#streams;
  }

  /** Starts a stream under this session. It is registered by `register`; when that refuses, the stream is ended again. */
  async startStream<B extends StreamBody>(
    body: B,
    register: (ref: AnyActorRef) => GatewayError | undefined,
  ): Promise<B> {
    this.#lastStream += 1;
    const answer = await startChild(this.process.ref, {
      id: `${body.kind}:${this.#lastStream}`,
      restart: 'temporary',
      shutdown: SHUTDOWN_MS,
      start: ({ spawn }) => spawn(streamLogic, streamInput(this.#options.stream), body),
    }).catch((error: unknown) => ({ error }));
    if (answer.error) throw new GatewayError('superseded', `superseded: session "${this.nodeId}" is ending`);
    this.#streams.add(body);
    body.process.scope.acquire('stream_entry', () => {
      this.#streams.delete(body);
      if (this.#streams.size === 0) this.client.send({ type: 'client.unused' });
    });
    const refused = register(body.process.ref);
    if (!refused) return body;
    body.send({ type: 'owner.lost', reason: { shutdown: refused.code } });
    throw refused;
  }
}
