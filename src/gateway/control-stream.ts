/** A client's control stream, that of Connect: what the client says goes to its actor, what the gateway says goes out. */
import type { ExitReason } from '../otp/exit-reason.js';
import type { Client } from './client.js';
import { StreamBody } from './stream.js';
import type { ControlHandle, ControlWire, ServerWord } from './transport.js';
import type { StreamView } from './views.js';

export class ControlStream extends StreamBody implements ControlHandle {
  readonly kind = 'connect';
  /** Called once, after its end. */
  onClosed: () => void = () => {};
  readonly #client: Client;
  readonly #wire: ControlWire;
  #sent = 0;

  constructor(client: Client, wire: ControlWire) {
    super();
    this.#client = client;
    this.#wire = wire;
  }

  get nodeId(): string {
    return this.#client.nodeId;
  }

  get clientId(): string {
    return this.#client.id;
  }

  begin(): void {
    this.send({ type: 'stream.opened' });
  }

  say(word: ServerWord): void {
    if (!this.alive) return;
    this.#sent += 1;
    this.#wire.send(word);
  }

  /** A message on a topic. */
  event(topic: string, payload: Buffer): void {
    this.say({ type: 'event', topic, payload });
  }

  heartbeat(timestampMs: number): void {
    this.heard();
    this.say({ type: 'heartbeat', timestampMs });
  }

  heard(): void {
    this.#client.send({ type: 'message.received' });
  }

  bye(_reason: string): void {
    this.#client.send({ type: 'client.bye' });
  }

  /** Half of a control stream is none: who stops talking has left. */
  override peerHalfClosed(): void {
    this.send({ type: 'stream.ended' });
  }

  protected override close(reason: ExitReason): void {
    this.#wire.end(reason);
    this.#client.controlClosed(this, reason);
    this.onClosed();
  }

  protected override drain(drained: () => void): void {
    drained();
  }

  protected override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    return { queued: 0, sent: this.#sent, drops: 0 };
  }
}
