/**
 * The transport of the simulation: wires in memory that keep what the gateway does to them. They are slow, stuck or broken as
 * they were made, and note every breach of the gateway's promises to a wire at once.
 */

import type { CallOutcome } from '../../src/gateway/calls.js';
import type { Frame } from '../../src/gateway/frame.js';
import type {
  CallWire,
  ControlWire,
  FrameWire,
  PublishSummary,
  PublishWire,
  ServerWord,
} from '../../src/gateway/transport.js';
import type { Clock } from '../../src/otp/clock.js';
import { describeReason, type ExitReason } from '../../src/otp/exit-reason.js';

/** Told of a promise that was broken. */
export type Breach = (what: string) => void;

/** How the far end reads: at once, a little later, so many milliseconds later, never, or until it breaks. */
export type Reading =
  | { readonly kind: 'at once' | 'in a moment' | 'never' }
  | { readonly kind: 'slowly'; readonly ms: number }
  | { readonly kind: 'until it breaks'; readonly writes: number };

export type Question = Extract<ServerWord, { type: 'call' }>;
export type Reply = Extract<ServerWord, { type: 'reply' }>;
export type TopicEvent = Extract<ServerWord, { type: 'event' }>;
export type Welcome = Extract<ServerWord, { type: 'welcome' }>;
type Done = (error?: Error | null) => void;

/** What every wire has: a reader, one end, and nothing after it. */
export abstract class Wire {
  readonly label: string;
  ended: string | undefined;
  /** Called at its end. */
  readonly onEnded: (() => void)[] = [];
  protected readonly breach: Breach;
  readonly #reading: Reading;
  protected readonly clock: Clock;
  #writes = 0;

  constructor(label: string, breach: Breach, reading: Reading, clock: Clock) {
    this.label = label;
    this.breach = breach;
    this.#reading = reading;
    this.clock = clock;
  }

  end(reason: ExitReason): void {
    if (this.ended !== undefined) this.breach(`I-teardown: ${this.label} was ended twice: ${this.ended}, and again`);
    this.ended = describeReason(reason);
    for (const ended of this.onEnded) ended();
  }

  get readsAtOnce(): boolean {
    return this.ended === undefined && this.#reading.kind === 'at once';
  }

  /** Takes a write, and calls `done` as the far end reads; that may be after the end, as on a real socket. */
  protected take(what: string, done: Done): void {
    if (this.ended !== undefined) this.breach(`I-teardown: ${what} on ${this.label} after its end (${this.ended})`);
    this.#writes += 1;
    switch (this.#reading.kind) {
      case 'at once':
        done();
        break;
      case 'in a moment':
        queueMicrotask(done);
        break;
      case 'slowly':
        this.clock.setTimeout(() => done(), this.#reading.ms);
        break;
      case 'until it breaks':
        if (this.#writes < this.#reading.writes) done();
        else queueMicrotask(() => done(new Error('simulated: write failed')));
        break;
      case 'never':
        break;
    }
  }
}

export class SimulatedControl extends Wire implements ControlWire {
  welcome: Welcome | undefined;
  welcomedAtMs = 0;
  bye: Extract<ServerWord, { type: 'bye' }> | undefined;
  onWelcome: (word: Welcome) => void = () => {};
  /** Called with each question that the gateway puts to this client. */
  onQuestion: (question: Question) => void = () => {};
  /** Called with each answer to a question of this client. */
  onReply: (reply: Reply) => void = () => {};
  /** Called with each publication. */
  onEvent: (event: TopicEvent) => void = () => {};
  /** The last beat that was answered, by its stamp. */
  lastBeatMs: number | undefined;
  /** Replies by the id of the call. */
  readonly replies = new Map<string, number>();
  #delivering = false;

  send(word: ServerWord, done: Done = () => {}): void {
    if (this.bye) this.breach(`${this.label} was told ${word.type} after bye`);
    if (word.type === 'bye') this.bye = word;
    else if (word.type === 'welcome') {
      if (this.welcome) this.breach(`${this.label} was welcomed twice`);
      this.welcome = word;
      this.welcomedAtMs = this.clock.now();
      this.onWelcome(word);
    } else if (!this.welcome) this.breach(`${this.label} was told ${word.type} before its welcome`);
    if (word.type === 'reply') this.#replied(word);
    if (word.type === 'heartbeat') this.lastBeatMs = word.timestampMs;
    if (word.type === 'event') {
      this.onEvent(word);
      this.#deliver(done);
    } else this.take(word.type, done);
    if (word.type === 'call') this.onQuestion(word);
  }

  override end(reason: ExitReason): void {
    super.end(reason);
    // Who is replaced must not come back by itself, and can know that only from us.
    if (this.ended !== 'shutdown: superseded' || !this.welcome) return;
    if (this.bye?.reason !== 'superseded' || this.bye.reconnect)
      this.breach(`${this.label} was replaced and was not told`);
  }

  #deliver(done: Done): void {
    if (this.#delivering) this.breach(`I-bound: ${this.label} got a second publication before the first was done`);
    this.#delivering = true;
    this.take('event', (error) => {
      this.#delivering = false;
      done(error);
    });
  }

  #replied(reply: Reply): void {
    const { id } = reply;
    this.onReply(reply);
    this.replies.set(id, (this.replies.get(id) ?? 0) + 1);
    if ((this.replies.get(id) ?? 0) > 1) this.breach(`${this.label} got a second reply to ${id}`);
  }
}

export class SimulatedFrames extends Wire implements FrameWire {
  /** The first frame that it was given, and the last. */
  firstSeq = 0;
  lastSeq = 0;
  /** Writes that were taken. */
  completed = 0;
  writing = false;
  writingSinceMs = 0;

  write(frame: Frame, done: Done): void {
    if (this.writing) this.breach(`I-bound: ${this.label} got a second write before the first was done`);
    if (frame.seq <= this.lastSeq) this.breach(`I-order: ${this.label} got frame ${frame.seq} after ${this.lastSeq}`);
    if (this.firstSeq === 0) this.firstSeq = frame.seq;
    this.lastSeq = frame.seq;
    this.writing = true;
    this.writingSinceMs = this.clock.now();
    this.take(`frame ${frame.seq}`, (error) => {
      this.writing = false;
      if (!error) this.completed += 1;
      done(error);
    });
  }
}

/** The wire of somebody who publishes: one summary, or one end. */
export class SimulatedPublish extends Wire implements PublishWire {
  summary: PublishSummary | undefined;

  finish(summary: PublishSummary): void {
    this.summary = summary;
    this.end('normal');
  }
}

/** The wire of a call made outside Connect: one answer, or one end. */
export class SimulatedCall extends Wire implements CallWire {
  outcome: CallOutcome | undefined;

  answer(outcome: CallOutcome): void {
    this.outcome = outcome;
    this.end('normal');
  }
}
