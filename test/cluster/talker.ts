/** A client that talks: it provides, subscribes, publishes and asks, and remembers what it heard. */
import { createGatewayClient, type GatewayClient } from '../../src/grpc/client.js';

/** What it replies to a question; undefined: nothing, ever. */
export type Reply = (text: string) => string | Error | undefined;

const bytes = (text: string): Buffer => Buffer.from(text);

export class Talker {
  readonly client: GatewayClient;
  readonly nodeId: string;
  /** Topics and payloads, as `topic=payload`. */
  readonly events: string[] = [];
  asked = 0;
  ended: string | undefined;
  readonly #control: ReturnType<GatewayClient['connect']>;
  readonly #provides = new Map<string, Reply>();
  readonly #stamps = new Map<bigint, () => void>();
  #stamp = 0n;

  constructor(address: string, nodeId: string) {
    this.nodeId = nodeId;
    this.client = createGatewayClient(address);
    this.#control = this.client.connect({
      message: ({ message: { case: kind, value } }) => {
        if (kind === 'event') this.events.push(`${value.topic}=${Buffer.from(value.payload)}`);
        else if (kind === 'heartbeat') this.#stamps.get(value.timestampMs)?.();
        else if (kind === 'call') {
          this.asked += 1;
          const reply = this.#provides.get(value.procedure)?.(Buffer.from(value.payload).toString());
          const { id } = value;
          if (reply instanceof Error) {
            const error = { code: reply.name, message: reply.message };
            this.#control.send({ case: 'reply', value: { id, error } });
          } else if (reply !== undefined) this.#control.send({ case: 'reply', value: { id, payload: bytes(reply) } });
        }
      },
      ended: ({ details }) => {
        this.ended = details;
      },
    });
    this.#control.send({ case: 'hello', value: { nodeId } });
  }

  provide(procedure: string, reply: Reply): Promise<void> {
    this.#provides.set(procedure, reply);
    this.#control.send({ case: 'register', value: { procedure } });
    return this.inEffect();
  }

  withdraw(procedure: string): Promise<void> {
    this.#control.send({ case: 'unregister', value: { procedure } });
    return this.inEffect();
  }

  subscribe(pattern: string): Promise<void> {
    this.#control.send({ case: 'subscribe', value: { pattern } });
    return this.inEffect();
  }

  publish(topic: string, text: string): Promise<void> {
    this.#control.send({ case: 'publish', value: { topic, payload: bytes(text) } });
    return this.inEffect();
  }

  async call(procedure: string, text = '', timeoutMs = 0): Promise<string> {
    const request = { procedure, payload: bytes(text), timeoutMs };
    return Buffer.from(await this.client.call(request, { nodeId: this.nodeId })).toString();
  }

  /** The refusal's details, or what was answered after all. */
  async refusal(procedure: string, timeoutMs = 0): Promise<string> {
    return this.call(procedure, '', timeoutMs).then(
      (text) => `answered ${text}`,
      (error: { details: string }) => error.details,
    );
  }

  /** Resolves when all that was said before is in effect. */
  inEffect(): Promise<void> {
    this.#stamp += 1n;
    const timestampMs = this.#stamp;
    const answered = new Promise<void>((resolve) => this.#stamps.set(timestampMs, resolve));
    this.#control.send({ case: 'heartbeat', value: { timestampMs } });
    return answered;
  }

  close(): void {
    this.client.close();
  }
}
