/**
 * A user's place in a room of an audio bridge, as the cloud side holds it: an uplink that joins and streams, and joins again
 * after every break, each time with a fresh session. While it is gone nothing is kept for it: what is said is refused, and
 * after a while its user is told that audio is not available, and again when it is.
 */

import type { AudioContent } from '../gateway/room-transport.js';
import type { UplinkView } from '../gateway/uplink.js';
import type { UplinkEvent } from '../gateway/uplink-transport.js';
import type { AudioAttempt, JoinOptions } from './audio-attempt.js';
import { AudioInbox } from './audio-inbox.js';

/** What is heard. */
export type HeardChunk = Pick<AudioContent, 'userId' | 'trackId' | 'timestampMs' | 'pcm'>;

export interface AudioConnectionFigures extends UplinkView {
  readonly sent: number;
  /** Chunks that could not be said: there was no stream, no room, or they had waited too long. */
  readonly drops: number;
  readonly queued: number;
  readonly heard: number;
  /** Chunks that were heard and not read in time. */
  readonly missed: number;
}

export interface AudioConnectionParts {
  readonly join: JoinOptions;
  readonly signal?: AbortSignal | undefined;
  /** Chunks that wait to be read. */
  readonly inboxFrames: number;
  readonly wallMs: () => number;
  readonly figures: () => UplinkView;
  /** Ends the uplink. Called once. */
  readonly close: () => Promise<void>;
}

type Listener = (event: UplinkEvent) => void;

export class AudioConnection implements AsyncIterable<HeardChunk>, AsyncDisposable {
  /** Resolves when it is over: left, aborted, closed with its client, or refused for good. Never rejects. */
  readonly ended: Promise<void>;
  readonly #parts: AudioConnectionParts;
  readonly #listeners = new Set<{ readonly type: string; readonly fn: Listener }>();
  readonly #inboxes = new Set<AudioInbox<HeardChunk>>();
  #attempt: AudioAttempt | undefined;
  #participantId = '';
  #available = false;
  #over: { readonly error: Error | undefined } | undefined;
  #left: Promise<void> | undefined;
  #sent = 0;
  #drops = 0;
  #heard = 0;
  #missed = 0;
  #resolveEnded: () => void = () => {};

  constructor(parts: AudioConnectionParts) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    parts.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get userId(): string {
    return this.#parts.join.userId;
  }

  get room(): string {
    return this.#parts.join.room;
  }

  /** Of the present session; another one after each break. Empty before the first. */
  get participantId(): string {
    return this.#participantId;
  }

  /** Whether audio goes through, or has not been gone for long enough to be told. */
  get available(): boolean {
    return this.#available;
  }

  get figures(): AudioConnectionFigures {
    const attempt = this.#attempt;
    return {
      ...this.#parts.figures(),
      sent: this.#sent + (attempt?.sent ?? 0),
      drops: this.#drops + (attempt?.drops ?? 0),
      queued: attempt?.queued ?? 0,
      heard: this.#heard,
      missed: [...this.#inboxes].reduce((sum, { missed }) => sum + missed, this.#missed),
    };
  }

  /** Calls `fn` for each event of this type, or of any with `*`. @returns its undo. */
  on(type: UplinkEvent['type'] | '*', fn: Listener): () => void {
    const listener = { type, fn };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when audio goes through for the first time. Rejects when it is over before. */
  async ready(): Promise<this> {
    while (!this.#available) {
      if (this.#over) throw this.#over.error ?? new Error(`the connection of "${this.userId}" has ended`);
      await new Promise<void>((resolve) => {
        const undo = this.on('*', ({ type }) => {
          if (type !== 'uplink.available' && type !== 'uplink.closed') return;
          undo();
          resolve();
        });
        void this.ended.then(resolve);
      });
    }
    return this;
  }

  /**
   * Says 10 or 20 ms of PCM16, 16 kHz, mono, to the others in the room. Never waits. False, and counted as a drop, when it
   * cannot be sent now.
   */
  say(pcm: Uint8Array, { trackId = 0, timestampMs = Math.round(this.#parts.wallMs()) } = {}): boolean {
    const said = this.#attempt?.say({ pcm, trackId, timestampMs });
    if (said === undefined) this.#drops += 1;
    return said === true;
  }

  /** What is heard from now on. Leaving the loop leaves the room. */
  [Symbol.asyncIterator](): AsyncIterator<HeardChunk, undefined> {
    const inbox = new AudioInbox<HeardChunk>(this.#parts.inboxFrames, () => {
      this.#inboxes.delete(inbox);
      this.#missed += inbox.missed;
      void this.leave('the reader has left');
    });
    if (this.#over) inbox.end(this.#over.error);
    else this.#inboxes.add(inbox);
    return inbox;
  }

  /** Leaves the room, and resolves when nothing is left of it. Idempotent; never rejects. */
  leave(reason = ''): Promise<void> {
    this.#left ??= this.#leave(reason);
    return this.#left;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  // For its client

  began(attempt: AudioAttempt): void {
    this.#forgetAttempt();
    this.#attempt = attempt;
  }

  joined(participantId: string): void {
    this.#participantId = participantId;
  }

  hear({ userId, trackId, timestampMs, pcm }: HeardChunk): void {
    this.#heard += 1;
    for (const inbox of this.#inboxes) inbox.push({ userId, trackId, timestampMs, pcm });
  }

  tell(event: UplinkEvent): void {
    if (event.type === 'uplink.available') this.#available = true;
    if (event.type === 'uplink.degraded' || event.type === 'uplink.closed') this.#available = false;
    if (event.type === 'uplink.lost') this.#forgetAttempt();
    for (const { type, fn } of [...this.#listeners]) if (type === event.type || type === '*') fn(event);
  }

  /** It is over. @param error why, where it was not we who ended it. */
  end(error?: Error): void {
    if (this.#over) return;
    this.#over = { error };
    this.#available = false;
    this.#forgetAttempt();
    this.#parts.signal?.removeEventListener('abort', this.#abort);
    for (const inbox of this.#inboxes) inbox.end(error);
    this.#resolveEnded();
  }

  async #leave(reason: string): Promise<void> {
    // Where nobody hears that, the end of the stream says enough.
    await this.#attempt?.leave(reason);
    await this.#parts.close();
  }

  readonly #abort = (): void => void this.leave('aborted');

  #forgetAttempt(): void {
    this.#sent += this.#attempt?.sent ?? 0;
    this.#drops += this.#attempt?.drops ?? 0;
    this.#attempt = undefined;
  }
}
