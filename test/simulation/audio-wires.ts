/** The wires of users in rooms: what they hear, and what they are told of what they play. */
import type { AudioChunk, AudioWire, PlayEvent, PlayWire } from '../../src/gateway/room-transport.js';
import { Wire } from './wires.js';

type Done = (error?: Error | null) => void;

export class SimulatedEar extends Wire implements AudioWire {
  userId = '';
  /** Audio that has waited longer must not be written. */
  maxAgeMs = Number.POSITIVE_INFINITY;
  /** What was written, by who said it. */
  readonly heard = new Set<string>();
  /** Chunks whose write was taken, chunks in hand, and beats among all of them. */
  completed = 0;
  inHand = 0;
  beats = 0;
  writingSinceMs = 0;
  /** How much waits to be written after what is written now. */
  waiting: () => number = () => 0;
  readonly #lastOf = new Map<string, number>();

  write(chunk: AudioChunk, done: Done): void {
    this.writeAll([chunk], done);
  }

  writeAll(chunks: readonly AudioChunk[], done: Done): void {
    if (this.inHand > 0) this.breach(`I-bound: ${this.label} got a second write before the first was done`);
    if (this.waiting() > 0)
      this.breach(`I-bound: ${this.label} is given ${chunks.length} chunks, ${this.waiting()} more wait`);
    this.inHand = chunks.length;
    this.writingSinceMs = this.clock.now();
    for (const chunk of chunks) this.#note(chunk);
    this.take(`${chunks.length} chunks`, (error) => {
      this.inHand = 0;
      if (!error) this.completed += chunks.length;
      done(error);
    });
  }

  /** A chunk carries its number in its sample bytes, and when it was said in its stamp. */
  #note({ userId, timestampMs, pcm, trackId }: AudioChunk): void {
    if (pcm.length === 0) {
      this.beats += 1;
      if (userId !== this.userId) this.breach(`I-echo: ${this.label} got a beat of ${userId}`);
      return;
    }
    if (userId === this.userId) this.breach(`I-echo: ${this.label} hears itself`);
    const ageMs = this.clock.now() - timestampMs;
    if (ageMs > this.maxAgeMs) this.breach(`I-age: ${this.label} gets what ${userId} said ${ageMs} ms ago`);
    if (trackId !== 0) return;
    const number = Buffer.from(pcm.buffer, pcm.byteOffset).readUInt32LE(0);
    if (number <= (this.#lastOf.get(userId) ?? 0))
      this.breach(`I-order: ${this.label} got ${number} of ${userId} late`);
    this.#lastOf.set(userId, number);
    this.heard.add(`${userId}/${number}`);
  }
}

/** A play: `started`, `progress` as it comes, and one last event before the end. */
export class SimulatedPlay extends Wire implements PlayWire {
  last: PlayEvent | undefined;

  tell(event: PlayEvent): void {
    const { type, positionMs, durationMs } = event;
    if (this.ended !== undefined) this.breach(`I-teardown: ${this.label} was told ${type} after its end`);
    const before = this.last?.type;
    if (before === 'completed' || before === 'failed') this.breach(`${this.label} was told ${type} after ${before}`);
    if (type === 'started' && before !== undefined) this.breach(`${this.label} was told started after ${before}`);
    if ((type === 'progress' || type === 'completed') && before !== 'started' && before !== 'progress')
      this.breach(`${this.label} was told ${type} after ${before}`);
    if (positionMs > durationMs || positionMs < (this.last?.positionMs ?? 0))
      this.breach(`${this.label} is at ${positionMs} of ${durationMs} ms, after ${this.last?.positionMs}`);
    if (type === 'completed' && positionMs !== durationMs) this.breach(`${this.label} completed at ${positionMs}`);
    this.last = event;
  }
}
