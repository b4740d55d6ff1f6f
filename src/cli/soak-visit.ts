/**
 * One visit of a soak: a real client on a connection of its own comes, says hello, is told what it published and asked what
 * it offered, watches a camera, and leaves in one of the ways in which clients leave. What does not happen in time is a fault
 * of the gateway, and said as one.
 */

import { type ControlStream, createGatewayClient, type GatewayClient } from '../grpc/client.js';
import type { ServerMessage } from '../grpc/gen/sluice/v1/gateway_pb.js';

/** How a visit ends. */
export const WAYS = ['bye', 'cancel', 'half-close', 'vanish', 'resume', 'supersede', 'kill', 'anonymous'] as const;
export type Way = (typeof WAYS)[number];

/** The gateway that is visited. */
export interface Host {
  /** `host:port` of its gRPC. */
  readonly address: string;
  readonly camera: string;
  /** Kills the session of a client, as a crash of ours would. */
  kill(nodeId: string): void;
}

const STEP_MS = 15_000;
const FRAMES = 3;
const QUESTION = new TextEncoder().encode('how?');

/** Resolves when the client has gone. Rejects when something did not come about that had to. */
export async function visit(host: Host, nodeId: string, way: Way): Promise<void> {
  const client = createGatewayClient(host.address);
  try {
    if (way === 'anonymous') await watched(client, host.camera, undefined);
    else await new Visit(host, client, nodeId).run(way);
  } finally {
    client.close();
  }
}

class Visit {
  readonly #host: Host;
  readonly #client: GatewayClient;
  readonly #nodeId: string;

  constructor(host: Host, client: GatewayClient, nodeId: string) {
    this.#host = host;
    this.#client = client;
    this.#nodeId = nodeId;
  }

  async run(way: Way): Promise<void> {
    const first = await this.#hello();
    await this.#talk(first);
    await watched(this.#client, this.#host.camera, this.#nodeId);
    switch (way) {
      case 'bye':
        first.stream.send({ case: 'bye', value: { reason: 'done' } });
        return first.over();
      case 'cancel':
        first.stream.cancel();
        return first.over();
      case 'half-close':
        first.stream.halfClose();
        return first.over();
      case 'kill':
        this.#host.kill(this.#nodeId);
        return first.over();
      case 'resume': {
        first.stream.cancel();
        await first.over();
        const again = await this.#hello(first.resumeToken);
        if (!again.resumed) throw new Error(`${this.#nodeId}: came back within the grace and was not resumed`);
        again.stream.send({ case: 'bye', value: { reason: 'done' } });
        return again.over();
      }
      case 'supersede': {
        const second = await this.#hello();
        await first.over();
        second.stream.cancel();
        return second.over();
      }
      default:
    }
  }

  async #hello(resumeToken = ''): Promise<Connection> {
    const connection = new Connection(this.#client, this.#nodeId);
    connection.stream.send({ case: 'hello', value: { nodeId: this.#nodeId, resumeToken } });
    await connection.told('welcome');
    return connection;
  }

  /** Hears its own publication, and answers its own question. */
  async #talk(connection: Connection): Promise<void> {
    const topic = `soak.${this.#nodeId}`;
    connection.stream.send({ case: 'subscribe', value: { pattern: topic } });
    connection.stream.send({ case: 'register', value: { procedure: topic } });
    connection.stream.send({ case: 'heartbeat', value: { timestampMs: 1n } });
    await connection.told('heartbeat');
    connection.stream.send({ case: 'publish', value: { topic, payload: QUESTION } });
    await connection.told('event');
    const answer = this.#client.call({ procedure: topic, payload: QUESTION }, { deadlineMs: STEP_MS });
    await Promise.all([answer, connection.told('call')]);
  }
}

type Case = NonNullable<ServerMessage['message']['case']>;

/** A control stream and what has come over it. */
class Connection {
  readonly stream: ControlStream;
  resumeToken = '';
  resumed = false;
  readonly #nodeId: string;
  readonly #told = new Set<Case>();
  #ended = false;
  #look: () => void = () => {};

  constructor(client: GatewayClient, nodeId: string) {
    this.#nodeId = nodeId;
    this.stream = client.connect({
      message: ({ message }) => this.#hear(message),
      ended: () => {
        this.#ended = true;
        this.#look();
      },
    });
  }

  #hear(message: ServerMessage['message']): void {
    if (message.case === undefined) return;
    if (message.case === 'welcome') ({ resumeToken: this.resumeToken, resumed: this.resumed } = message.value);
    if (message.case === 'call') {
      this.stream.send({ case: 'reply', value: { id: message.value.id, payload: message.value.payload } });
    }
    this.#told.add(message.case);
    this.#look();
  }

  told(what: Case): Promise<void> {
    return this.#until(what, () => this.#told.has(what));
  }

  over(): Promise<void> {
    return this.#until('end', () => this.#ended);
  }

  #until(what: string, holds: () => boolean): Promise<void> {
    return inTime(`${this.#nodeId}: ${what}`, (resolve, reject) => {
      this.#look = () => {
        if (holds()) resolve();
        else if (this.#ended) reject(new Error(`${this.#nodeId}: ended while it waited for ${what}`));
      };
      this.#look();
    });
  }
}

/** Watches until a few frames have come. */
async function watched(client: GatewayClient, cameraId: string, nodeId: string | undefined): Promise<void> {
  let frames = 0;
  let cancel = (): void => {};
  await inTime(`${nodeId ?? 'anonymous'}: ${FRAMES} frames`, (resolve, reject) => {
    const stream = client.watch(
      { cameraId },
      {
        message: () => {
          frames += 1;
          if (frames === FRAMES) resolve();
        },
        ended: ({ details }) => reject(new Error(`${nodeId ?? 'anonymous'}: watching ended: ${details}`)),
      },
      { nodeId },
    );
    cancel = () => stream.cancel();
  });
  cancel();
}

function inTime(what: string, wait: (resolve: () => void, reject: (error: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come within ${STEP_MS} ms`)), STEP_MS);
    const settle = (): void => clearTimeout(timer);
    wait(
      () => {
        settle();
        resolve();
      },
      (error) => {
        settle();
        reject(error);
      },
    );
  });
}
