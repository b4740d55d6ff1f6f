/** What the gRPC tests share: a server on a free port, clients of it, and everything stopped when the test ends. */
import type { StatusObject } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.js';
import {
  createGatewayClient,
  type GatewayClient,
  type GatewayClientOptions,
  type StreamListener,
} from '../../src/grpc/client.js';
import type { FrameContent } from '../../src/grpc/frame-codec.js';
import type { ServerMessage } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from '../../src/grpc/server.js';

export interface LogLine {
  readonly fields: object;
  readonly message: string;
}

export interface Harness {
  readonly server: GrpcServer;
  readonly log: readonly LogLine[];
  client(options?: GatewayClientOptions): GatewayClient;
}

export async function serve(gateway: Gateway, overrides: Partial<GrpcServerOptions> = {}): Promise<Harness> {
  const log: LogLine[] = [];
  const record = (fields: object, message: string): void => void log.push({ fields, message });
  const server = await startGrpcServer({
    gateway,
    host: '127.0.0.1',
    port: 0,
    keepalive: { timeMs: 10_000, timeoutMs: 5_000 },
    maxMessageBytes: 4 * 1024 * 1024,
    log: { error: record, warn: record },
    ...overrides,
  });
  onTestFinished(() => server.stop(0));
  return { server, log, client: (options) => clientOf(server.address, options) };
}

export function clientOf(address: string, options?: GatewayClientOptions): GatewayClient {
  const client = createGatewayClient(address, options);
  onTestFinished(() => client.close());
  return client;
}

/** Collects what a stream brings; `next` and `ended` wait for it. */
export class Inbox<Message> {
  readonly ended: Promise<StatusObject>;
  readonly opened: Promise<void>;
  readonly listener: StreamListener<Message>;
  readonly #messages: Message[] = [];
  #wake: () => void = () => {};
  #over = false;

  constructor() {
    let opened: () => void = () => {};
    let ended: (status: StatusObject) => void = () => {};
    this.opened = new Promise((resolve) => {
      opened = resolve;
    });
    this.ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.listener = {
      opened,
      message: (message) => {
        this.#messages.push(message);
        this.#wake();
      },
      ended: (status) => {
        this.#over = true;
        ended(status);
        this.#wake();
      },
    };
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) return message;
      if (this.#over) throw new Error(`the stream has ended: ${(await this.ended).details}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export const controlInbox = () => new Inbox<ServerMessage>();
export const frameInbox = () => new Inbox<FrameContent>();
