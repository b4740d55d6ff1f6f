/**
 * A client's control stream, that of Connect: what the client says goes to its actor and to the desks, what the gateway
 * says goes out.
 *
 * Publications wait in a bounded queue with a policy, and the wire has one of them at a time. Words of control pass them
 * by: none waits behind more than that one, and none is ever dropped. A client that lets words pile up is asked nothing
 * more, and is ended when they pile up all the same.
 */
import type { AnyActorRef } from 'xstate';
import { Outbox } from '../flow/outbox.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { CallOutcome, CallReply, Calls } from './calls.js';
import type { Client } from './client.js';
import { GatewayError } from './gateway-error.js';
import { type Member, type Outlet, procedureFault } from './members.js';
import type { GatewayOptions } from './options.js';
import type { Question } from './services.js';
import { StreamBody, sentBy, type Traffic } from './stream.js';
import { topicFault } from './topic-trie.js';
import type { TopicEvent, Topics } from './topics.js';
import type { CallWord, ControlHandle, ControlWire, ServerWord } from './transport.js';
import type { StreamView } from './views.js';

/** Where what a client says is heard. */
export interface Desks {
  readonly member: Member;
  readonly topics: Topics;
  readonly calls: Calls;
}

/** What a word weighs besides its payload: enough for ids and names. Without it, empty words would pile up for ever. */
const WORD_BYTES = 64;
/** Words that wait may be so many times the queue's bytes: replies to a client that asked for much come all at once. */
const WORDS_TO_QUEUE = 4;

export class ControlStream extends StreamBody implements ControlHandle, Outlet {
  readonly kind = 'connect';
  /** Called once, after its end. */
  onClosed: () => void = nothing;
  readonly #client: Client;
  readonly #wire: ControlWire;
  readonly #options: GatewayOptions['stream'];
  /** Made for its first publication: most clients wait for none. */
  #outbox: Outbox<TopicEvent> | undefined;
  #desks: Desks | undefined;
  #wordsSent = 0;
  /** What the wire has been given and has not yet taken. */
  #words = 0;
  #wordBytes = 0;
  #missed = 0;
  /** The last word was said, or the wire has ended; its actor may still have its own end before it. */
  #over = false;

  constructor(client: Client, wire: ControlWire, options: GatewayOptions['stream']) {
    super();
    this.#client = client;
    this.#wire = wire;
    this.#options = options;
  }

  get nodeId(): string {
    return this.#client.nodeId;
  }

  get clientId(): string {
    return this.#client.id;
  }

  get ref(): AnyActorRef {
    return this.process.ref;
  }

  begin(): void {
    this.send({ type: 'stream.opened' });
  }

  /** From here on its session is reached by this stream. */
  join(desks: Desks): void {
    if (!this.alive) return;
    this.#desks = desks;
    this.#missed = desks.member.arrived(this);
  }

  say(word: ServerWord): void {
    if (!this.alive || this.#over) return;
    if (word.type === 'bye') this.#over = true;
    const bytes = WORD_BYTES + ('payload' in word ? word.payload.length : 0);
    this.#words += 1;
    this.#wordBytes += bytes;
    this.#wire.send(word, () => {
      this.#words -= 1;
      this.#wordBytes -= bytes;
      this.#wordsSent += 1;
    });
    if (this.#wordBytes > WORDS_TO_QUEUE * this.#options.queueBytes)
      this.send({ type: 'owner.lost', reason: { shutdown: 'slow_consumer' } });
  }

  /** A publication; it waits its turn, or is dropped by the policy. */
  deliver(event: TopicEvent): void {
    if (!this.alive) return;
    this.#outbox ??= this.#makeOutbox();
    this.#outbox.push(event);
  }

  #makeOutbox(): Outbox<TopicEvent> {
    const { queueFrames: framesMax, queueBytes: bytesMax, overflow: policy } = this.#options;
    const write = (event: TopicEvent, done: () => void): void => this.#wire.send(event, done);
    return new Outbox<TopicEvent>({ policy, framesMax, bytesMax, sizeOf, write, onEdge: this.onEdge });
  }

  /** A message for this client alone, in the shape of a publication. */
  event(topic: string, payload: Uint8Array): void {
    this.deliver({ type: 'event', topic, payload });
  }

  get busy(): boolean {
    return this.#wordBytes > this.#options.queueBytes;
  }

  ask(question: Question): void {
    this.say({ type: 'call', ...question });
  }

  heartbeat(timestampMs: number): void {
    this.heard();
    this.#desks?.member.heard();
    this.say({ type: 'heartbeat', timestampMs });
  }

  heard(): void {
    this.#client.send({ type: 'message.received' });
  }

  bye(_reason: string): void {
    this.#client.send({ type: 'client.bye' });
  }

  subscribe(pattern: string): void {
    this.heard();
    this.#desks?.member.subscribe(pattern);
  }

  unsubscribe(pattern: string): void {
    this.heard();
    this.#desks?.member.unsubscribe(pattern);
  }

  publish(topic: string, payload: Uint8Array): void {
    this.heard();
    const fault = topicFault(topic);
    if (fault) throw new GatewayError('invalid_argument', `publish.topic: ${fault}`);
    this.#desks?.topics.publish(topic, payload);
  }

  register(procedure: string, ttlMs: number): void {
    this.heard();
    this.#desks?.member.register(procedure, ttlMs);
  }

  unregister(procedure: string): void {
    this.heard();
    this.#desks?.member.unregister(procedure);
  }

  /** What is wrong with a call is its answer: a client has many of them, and one is not worth the connection. */
  call({ id, procedure, payload, timeoutMs }: CallWord): void {
    this.heard();
    const fault = id === '' ? 'call.id: expected one, got an empty string' : procedureFault(procedure);
    const answer = (outcome: CallOutcome): void => this.say(replyWord(id, outcome));
    if (fault) answer({ type: 'failed', code: 'invalid_argument', message: fault, own: false });
    else this.#desks?.calls.call({ caller: this.ref, procedure, payload, timeoutMs }, answer);
  }

  reply(reply: CallReply): void {
    this.heard();
    this.#desks?.calls.reply(this.ref, reply);
  }

  /** Half of a control stream is none: who stops talking has left. */
  override peerHalfClosed(): void {
    this.send({ type: 'stream.ended' });
  }

  protected override close(reason: ExitReason): void {
    this.#desks?.member.left(this);
    // What was on its way when it ended is heard by nobody.
    this.#desks = undefined;
    this.#over = true;
    this.#outbox?.close();
    this.#wire.end(reason);
    this.#client.controlClosed(this, reason);
    this.onClosed();
  }

  protected override drain(drained: () => void): void {
    drained();
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    const { queued, sent, drops } = this.#outbox ?? NONE;
    return { queued: queued + this.#words, sent: sent + this.#wordsSent, drops: drops + this.#missed };
  }

  /** Publications only: words are not measured, and are never dropped. */
  override traffic(): Traffic {
    const outbox = this.#outbox;
    const own = { framesIn: 0, bytesIn: 0, framesOut: this.#wordsSent, bytesOut: 0, drops: { missed: this.#missed } };
    if (!outbox) return own;
    const published = sentBy(outbox);
    const framesOut = own.framesOut + published.framesOut;
    return { ...published, framesOut, drops: { ...own.drops, ...published.drops } };
  }
}

/** The figures of a queue that nobody has needed. */
const NONE = { queued: 0, sent: 0, drops: 0 };

function sizeOf({ topic, payload }: TopicEvent): number {
  return WORD_BYTES + topic.length + payload.length;
}

function replyWord(id: string, outcome: CallOutcome): ServerWord {
  if (outcome.type === 'answered') return { type: 'reply', id, payload: outcome.payload };
  const { code, message } = outcome;
  return { type: 'reply', id, payload: NOTHING, error: { code, message } };
}

const NOTHING = new Uint8Array();
const nothing = (): void => {};
