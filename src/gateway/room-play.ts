/**
 * Somebody plays a file to the others in the room: a stream of its own that ends with the file. The sound is fetched whole,
 * and goes out as fast as it sounds, 20 ms at a time. What goes wrong with it is an event, and so is that it was stopped;
 * only what ends the call itself is a status.
 */
import type { ExitReason } from '../otp/exit-reason.js';
import type { Participant } from './room-participant.js';
import { SoundError, type SoundLoader } from './room-sound.js';
import { type PlayEvent, type PlayRequest, type PlayWire, SAMPLE_RATE } from './room-transport.js';
import { WavAudio, WavError } from './room-wav.js';
import { StreamBody } from './stream.js';
import type { StreamView } from './views.js';

export interface PlayParts {
  readonly request: PlayRequest;
  readonly requestId: string;
  readonly participant: Participant;
  readonly wire: PlayWire;
  readonly load: SoundLoader;
  readonly note: (type: 'play.failed', play: Play, reason: string) => void;
}

const CHUNK_MS = 20;
const CHUNK_SAMPLES = (SAMPLE_RATE * CHUNK_MS) / 1_000;
const PROGRESS_MS = 1_000;
/** How long fetching the sound may take. */
const LOAD_MS = 15_000;
/** A machine that was held up for longer goes on from where it was: nobody wants to hear all of it at once. */
const CATCH_UP_MS = 200;

export class Play extends StreamBody {
  readonly kind = 'play';
  readonly #parts: PlayParts;
  #audio: WavAudio | undefined;
  #beganMs = 0;
  #chunks = 0;
  #progressMs = PROGRESS_MS;
  #over = false;
  #begun = false;
  /** Why it failed before it had begun. */
  #early: string | undefined;

  constructor(parts: PlayParts) {
    super();
    this.#parts = parts;
  }

  get nodeId(): string {
    return this.#parts.participant.userId;
  }

  get requestId(): string {
    return this.#parts.requestId;
  }

  get trackId(): number {
    return this.#parts.request.trackId;
  }

  begin(): void {
    if (!this.alive) return;
    this.#begun = true;
    this.send({ type: 'stream.opened' });
    if (this.#early === undefined) this.process.scope.task((signal) => this.#load(signal));
    else this.#fail(this.#early);
  }

  /** Somebody asked for its end, or plays something else instead. */
  halt(): void {
    this.#fail('stopped');
  }

  /** Its user is in the room no more. */
  ownerLeft(reason: ExitReason): void {
    if (typeof reason === 'object' && 'shutdown' in reason && reason.shutdown === 'drain') {
      this.send({ type: 'owner.lost', reason });
    } else this.#fail('session_ended: the user has left the room');
  }

  /** A caller that has said all still wants to know. */
  override peerHalfClosed(): void {}

  protected override close(reason: ExitReason): void {
    this.#over = true;
    this.#audio = undefined;
    this.#parts.participant.plays.delete(this);
    this.#parts.wire.end(reason);
  }

  protected override drain(drained: () => void): void {
    drained();
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    return { queued: 0, sent: this.#chunks, drops: 0 };
  }

  async #load(signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const limit = this.process.scope.timer(LOAD_MS, () => late.abort(new SoundError('unreachable: it took too long')));
    try {
      const { request, load } = this.#parts;
      const audio = new WavAudio(await load(request.url, AbortSignal.any([signal, late.signal])));
      if (this.#over) return;
      this.#audio = audio;
      this.#tell({ type: 'started' });
      this.#beganMs = this.process.system.clock.now();
      this.#step();
    } catch (thrown) {
      if (thrown instanceof SoundError) this.#fail(thrown.message);
      else if (thrown instanceof WavError) this.#fail(`bad_audio: ${thrown.message}`);
      else if (!signal.aborted) throw thrown;
    } finally {
      void limit.release();
    }
  }

  /** Says what is due by now, and comes back when the next is. */
  #step(): void {
    const audio = this.#audio;
    if (this.#over || !audio) return;
    const { clock } = this.process.system;
    const lateMs = clock.now() - this.#dueMs;
    if (lateMs > CATCH_UP_MS) this.#beganMs += lateMs;
    while (this.#dueMs <= clock.now()) {
      if (this.#chunks * CHUNK_SAMPLES >= audio.length) {
        this.#complete();
        return;
      }
      this.#say(audio);
    }
    this.process.scope.timer(this.#dueMs - clock.now(), () => this.#step());
  }

  get #dueMs(): number {
    return this.#beganMs + this.#chunks * CHUNK_MS;
  }

  #say(audio: WavAudio): void {
    const { participant, request } = this.#parts;
    const pcm = audio.pcm(this.#chunks * CHUNK_SAMPLES, CHUNK_SAMPLES, request.volume === 0 ? 1 : request.volume);
    this.#chunks += 1;
    participant.say({ trackId: request.trackId, timestampMs: this.process.system.clock.wallMs(), pcm });
    if (this.#positionMs < this.#progressMs || this.#positionMs >= audio.durationMs) return;
    this.#progressMs += PROGRESS_MS;
    this.#tell({ type: 'progress' });
  }

  get #positionMs(): number {
    return Math.min(this.#chunks * CHUNK_MS, this.#audio?.durationMs ?? 0);
  }

  #complete(): void {
    this.#over = true;
    this.#tell({ type: 'completed' });
    this.send({ type: 'stream.ended' });
  }

  #fail(error: string): void {
    if (this.#over) return;
    if (!this.#begun) {
      this.#early ??= error;
      return;
    }
    this.#over = true;
    if (error !== 'stopped') this.#parts.note('play.failed', this, error);
    this.#tell({ type: 'failed', error });
    this.send({ type: 'stream.ended' });
  }

  #tell({ type, error = '' }: Pick<PlayEvent, 'type'> & { readonly error?: string }): void {
    const durationMs = this.#audio?.durationMs ?? 0;
    this.#parts.wire.tell({ type, requestId: this.requestId, durationMs, positionMs: this.#positionMs, error });
  }
}
