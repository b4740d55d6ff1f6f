/** A service of somebody else's, on grpc-js alone, and a client of it. Messages are bytes. */
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { expect, onTestFinished } from 'vitest';
import { type SuperviseOptions, type Supervision, supervise, supervisionOf } from '../../src/grpc/retrofit.js';

const bytes = (value: Buffer): Buffer => value;

function method(name: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] {
  return {
    path: `/acme.v1.Old/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

export const definition = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  feed: method('Feed', false, true),
  chat: method('Chat', true, true),
} satisfies ServiceDefinition;

export interface Handlers {
  unary: handleUnaryCall<Buffer, Buffer>;
  collect: handleClientStreamingCall<Buffer, Buffer>;
  feed: handleServerStreamingCall<Buffer, Buffer>;
  chat: handleBidiStreamingCall<Buffer, Buffer>;
}

export const FOUR = ['unary', 'collect', 'feed', 'chat'] as const;
export type Kind = (typeof FOUR)[number];

export interface Retrofitted {
  readonly address: string;
  readonly supervision: Supervision;
  readonly errors: readonly object[];
  client(): Client;
}

/** Serves the handlers under supervision; at the end of the test nothing of it must be left. */
export async function retrofit(handlers: Partial<Handlers>, options: SuperviseOptions = {}): Promise<Retrofitted> {
  const errors: object[] = [];
  const note = (fields: object): void => void errors.push(fields);
  const service = supervise(handlers, { log: { error: note, warn: note }, ...options });
  const supervision = supervisionOf(service);
  const server = new Server();
  server.addService(definition, service as never);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(async () => {
    await supervision.stop({ deadlineMs: 100 });
    server.forceShutdown();
    expect(supervision.census()).toEqual({});
    expect(supervision.counters().active).toBe(0);
  });
  const address = `127.0.0.1:${port}`;
  return { address, supervision, errors, client: () => clientAt(address) };
}

function clientAt(address: string): Client {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => client.close());
  return client;
}

/** One call of any kind: what it brings, its status, and what a peer can do with it. */
export class OldCall {
  readonly got: string[] = [];
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  readonly #call: { cancel(): void; write?(message: Buffer): boolean; end?(): void };
  #wake: () => void = () => {};

  constructor(
    client: Client,
    kind: Kind,
    { deadlineMs, request = 'x' }: { deadlineMs?: number; request?: string } = {},
  ) {
    const { path } = definition[kind];
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    const one = (_error: unknown, answer?: Buffer): void => {
      if (answer) this.#take(answer);
    };
    const message = Buffer.from(request);
    const call =
      kind === 'unary'
        ? client.makeUnaryRequest(path, bytes, bytes, message, options as never, one)
        : kind === 'collect'
          ? client.makeClientStreamRequest(path, bytes, bytes, options as never, one)
          : kind === 'feed'
            ? client.makeServerStreamRequest(path, bytes, bytes, message, options as never)
            : client.makeBidiStreamRequest(path, bytes, bytes, options as never);
    call.on('error', () => {});
    if (kind === 'feed' || kind === 'chat') call.on('data', (data: Buffer) => this.#take(data));
    this.ended = new Promise((resolve) => call.on('status', resolve));
    this.#call = call as never;
  }

  send(text: string): this {
    this.#call.write?.(Buffer.from(text));
    return this;
  }

  halfClose(): this {
    this.#call.end?.();
    return this;
  }

  cancel(): void {
    this.#call.cancel();
  }

  async next(): Promise<string> {
    while (this.got.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.got.shift() as string;
  }

  #take(message: Buffer): void {
    this.got.push(message.toString());
    this.#wake();
  }
}
