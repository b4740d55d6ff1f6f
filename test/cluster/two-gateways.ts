/** Two gateways that share an engine, real clients that switch between them, and what each of them is told. */
import type { StatusObject } from '@grpc/grpc-js';
import { pino } from 'pino';
import type { Engine } from '../../src/cluster/engine.js';
import { createGateway, type GatewayHostOptions, type SluiceGateway } from '../../src/create-gateway.js';
import type { ClusterView } from '../../src/gateway/views.js';
import { createGatewayClient, type GatewayClient } from '../../src/grpc/client.js';
import type { ServerMessage } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';

export interface Pair {
  readonly gateways: readonly [SluiceGateway, SluiceGateway];
  /** How the cluster looks from each. */
  readonly views: readonly (() => ClusterView | undefined)[];
  stop(): Promise<void>;
}

export async function startPair(
  engine: ((node: string) => () => Promise<Engine>) | undefined,
  options: GatewayHostOptions = {},
  own: Readonly<Record<string, GatewayHostOptions>> = {},
): Promise<Pair> {
  const make = (id: string): SluiceGateway =>
    createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      logger: pino({ level: 'silent' }),
      ...options,
      ...own[id],
      node: { id },
      ...(engine ? { engine: engine(id) } : {}),
    });
  const gateways = [make('north'), make('south')] as const;
  await Promise.all(gateways.map((gateway) => gateway.start()));
  return {
    gateways,
    views: gateways.map((gateway) => () => gateway.clusterView()),
    stop: async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop({ deadlineMs: 2_000 })));
    },
  };
}

/** A gateway as whoever connects to it knows it. */
export interface Reached {
  readonly addresses: { readonly grpc: string | undefined };
}

/** One connect of a user, and everything it hears. */
export class Visit {
  readonly messages: NonNullable<ServerMessage['message']['case']>[] = [];
  readonly client: GatewayClient;
  bye: { readonly reason: string; readonly reconnect: boolean } | undefined;
  token: { readonly era: number; readonly rev: number } | undefined;
  resumeToken = '';
  readonly welcomed: Promise<void>;
  readonly ended: Promise<StatusObject>;
  readonly #control: ReturnType<GatewayClient['connect']>;

  constructor(gateway: Reached, nodeId: string, ordinal = 0, resumeToken = '') {
    this.client = createGatewayClient(gateway.addresses.grpc as string);
    let end: (status: StatusObject) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    let welcome: () => void = () => {};
    let refuse: (error: Error) => void = () => {};
    this.welcomed = new Promise((resolve, reject) => {
      welcome = resolve;
      refuse = reject;
    });
    this.welcomed.catch(() => {});
    this.#control = this.client.connect({
      message: ({ message }) => {
        if (message.case !== undefined) this.messages.push(message.case);
        if (message.case === 'welcome') {
          this.token = { era: Number(message.value.tokenEra), rev: Number(message.value.tokenRev) };
          this.resumeToken = message.value.resumeToken;
          welcome();
        } else if (message.case === 'bye') {
          this.bye = { reason: message.value.reason, reconnect: message.value.reconnect };
        }
      },
      ended: (status) => {
        refuse(new Error(status.details));
        end(status);
      },
    });
    this.#control.send({ case: 'hello', value: { nodeId, ordinal: BigInt(ordinal), resumeToken } });
  }

  leave(): void {
    this.#control.send({ case: 'bye', value: { reason: 'done' } });
  }

  close(): void {
    this.client.close();
  }
}
