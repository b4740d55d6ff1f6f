/**
 * A user's audio stream: what it hears goes out through a bounded queue, and what it says goes to the room as it comes. It
 * ends as soon as a write hangs for the send timeout, or nothing is heard of the user for too long, and with it the user's
 * session ends, in the same step.
 */
import { Outbox, type OutboxEdge } from '../flow/outbox.js';
import type { Clock } from '../otp/clock.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process } from '../otp/process.js';
import { type DataAges, dataAges, momentOf, SILENT_MS, stateByAge } from './data-age.js';
import type { GatewayOptions } from './options.js';
import type { Participant } from './room-participant.js';
import type { AudioChunk, AudioContent, AudioEncoder, AudioHandle, AudioWire } from './room-transport.js';
import { BYTES_PER_SAMPLE } from './room-transport.js';
import { type Done, SendWatch } from './send-watch.js';
import { StreamBody, sentBy, type Traffic } from './stream.js';
import type { StreamView } from './views.js';

/** Why and how a stream ended, in the words of the log. */
export type AudioNote =
  | 'audio.started'
  | 'audio.dropped'
  | 'audio.oddPayload'
  | 'audio.sendFailed'
  | 'audio.failed'
  | 'audio.senderEnded'
  | 'audio.cancelled'
  | 'audio.timedOut'
  | 'audio.closed';

export interface AudioStreamParts {
  readonly participant: Participant;
  readonly wire: AudioWire;
  readonly options: Pick<GatewayOptions, 'session' | 'stream'>;
  readonly encode: AudioEncoder;
  readonly note: (
    type: AudioNote,
    stream: AudioStream,
    reason?: ExitReason,
    detail?: Readonly<Record<string, unknown>>,
  ) => void;
}

/** How much of what has waited goes out as one write. */
const BATCH_BYTES_MAX = 64 * 1024;
/** The first drop is told, and then one in so many. */
const DROPS_PER_NOTE = 50;
const NOTHING = new Uint8Array(0);

export class AudioStream extends StreamBody implements AudioHandle {
  readonly kind = 'audio';
  readonly #parts: AudioStreamParts;
  readonly #outbox: Outbox<AudioChunk>;
  readonly #sends: SendWatch;
  #ended = false;
  #clock: Clock | undefined;
  #sendFailed = false;
  #heardAtMs = 0;
  /** When something was written to it. Never nothing: V8 would make an object of each such number. */
  #wroteAtMs = Number.NaN;
  #heard = 0;
  #heardBytes = 0;
  #oddPayloads = 0;
  #dropsTold = 0;
  #wroteSinceBeat = false;

  constructor(parts: AudioStreamParts) {
    super();
    this.#parts = parts;
    const { wire } = parts;
    const { queueFrames, queueBytes, overflow, maxAgeMs, sendTimeoutMs } = parts.options.stream;
    this.#sends = new SendWatch({
      timeoutMs: sendTimeoutMs,
      owner: () => ({ scope: this.process.scope, clock: this.process.system.clock }),
      onStuck: () => this.send({ type: 'owner.lost', reason: { shutdown: 'slow_consumer' } }),
    });
    this.#outbox = new Outbox<AudioChunk>({
      policy: overflow,
      framesMax: queueFrames,
      bytesMax: queueBytes,
      age: { maxAgeMs, clock: { now: () => this.#nowMs } },
      sizeOf: (chunk) => chunk.message.length,
      write: (chunk, done) => wire.write(chunk, this.#writing(done)),
      batch: { bytesMax: BATCH_BYTES_MAX, write: (chunks, done) => wire.writeAll(chunks, this.#writing(done)) },
      onEdge: (edge) => this.#edge(edge),
    });
  }

  get nodeId(): string {
    return this.#parts.participant.userId;
  }

  get participant(): Participant {
    return this.#parts.participant;
  }

  override attach(process: Process): void {
    super.attach(process);
    this.#clock = process.system.clock;
  }

  get #nowMs(): number {
    return (this.#clock as Clock).now();
  }

  begin(): void {
    if (!this.alive) return;
    this.send({ type: 'stream.opened' });
    this.#parts.note('audio.started', this);
    const { scope, system } = this.process;
    const { inactivityMs, heartbeatMs } = this.#parts.options.session;
    this.#heardAtMs = system.clock.now();
    scope.interval(heartbeatMs, () => this.#beat());
    scope.timer(inactivityMs, () => this.#lookForSilence(inactivityMs));
  }

  said(content: Omit<AudioContent, 'userId'>): void {
    if (this.#ended) return;
    this.#heardAtMs = this.#nowMs;
    this.#heard += 1;
    const { pcm } = content;
    this.#heardBytes += pcm.length;
    const odd = pcm.length % BYTES_PER_SAMPLE;
    if (odd !== 0) this.#countOddPayload();
    const whole = odd === 0 ? content : { ...content, pcm: pcm.subarray(0, pcm.length - odd), message: undefined };
    if (whole.pcm.length > 0) this.#parts.participant.say(whole);
  }

  hear(chunk: AudioChunk): void {
    if (this.#ended) return;
    this.#outbox.push(chunk);
    this.#tellDrops();
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    const { queued, sent, drops } = this.#outbox;
    return { queued, sent, drops };
  }

  /** In: its user said something. Out: its wire was given something to hear, or the sign that the gateway is here. */
  protected override data(nowMs: number): DataAges {
    const inAtMs = this.#heard === 0 ? undefined : this.#heardAtMs;
    const outAtMs = momentOf(this.#wroteAtMs);
    return dataAges(nowMs, stateByAge(nowMs, inAtMs, SILENT_MS), { inAtMs, outAtMs });
  }

  override traffic(): Traffic {
    return { ...sentBy(this.#outbox), framesIn: this.#heard, bytesIn: this.#heardBytes };
  }

  /** Called once, by whichever of the ways out came first. The session goes here, before anything else can happen. */
  protected override close(reason: ExitReason): void {
    this.#ended = true;
    this.#outbox.close();
    const { sent, drops } = this.#outbox;
    this.#parts.note(noteOf(reason, this.#sendFailed), this, reason, { sent, drops, heard: this.#heard });
    this.#parts.participant.streamClosed(this, reason);
    this.#parts.wire.end(reason);
  }

  /** A user who has said its last has left: nobody listens to what still waits. */
  protected override drain(drained: () => void): void {
    drained();
  }

  #edge(edge: OutboxEdge): void {
    if (edge.type === 'failed') this.#sendFailed = true;
    this.onEdge(edge);
  }

  #writing(done: Done): Done {
    this.#wroteSinceBeat = true;
    this.#wroteAtMs = this.#nowMs;
    return this.#sends.begin(done, this.#wroteAtMs);
  }

  /** Says that the gateway is here, when it has said nothing else meanwhile. */
  #beat(): void {
    if (!this.#wroteSinceBeat && this.#outbox.idle && !this.#ended) {
      const timestampMs = this.process.system.clock.wallMs();
      const content = { userId: this.nodeId, trackId: 0, timestampMs, pcm: NOTHING };
      this.#outbox.push({ ...content, message: this.#parts.encode(content) });
    }
    this.#wroteSinceBeat = false;
  }

  #lookForSilence(inactivityMs: number): void {
    if (this.#ended) return;
    const { scope, system } = this.process;
    const leftMs = this.#heardAtMs + inactivityMs - system.clock.now();
    if (leftMs > 0) scope.timer(leftMs, () => this.#lookForSilence(inactivityMs));
    else this.send({ type: 'silence.detected' });
  }

  #tellDrops(): void {
    const { drops } = this.#outbox;
    if (drops === this.#dropsTold || (this.#dropsTold > 0 && drops < this.#dropsTold + DROPS_PER_NOTE)) return;
    this.#dropsTold = drops;
    this.#parts.note('audio.dropped', this, undefined, { drops, queued: this.#outbox.queued });
  }

  #countOddPayload(): void {
    this.#oddPayloads += 1;
    if (this.#oddPayloads % DROPS_PER_NOTE !== 1) return;
    this.#parts.note('audio.oddPayload', this, undefined, { oddPayloads: this.#oddPayloads });
  }
}

function noteOf(reason: ExitReason, sendFailed: boolean): AudioNote {
  if (sendFailed) return 'audio.sendFailed';
  if (reason instanceof Error) return 'audio.failed';
  if (typeof reason !== 'object') return 'audio.closed';
  return NOTES[String(reason.shutdown)] ?? 'audio.closed';
}

const NOTES: Readonly<Record<string, AudioNote>> = {
  slow_consumer: 'audio.sendFailed',
  ended: 'audio.senderEnded',
  cancelled: 'audio.cancelled',
  deadline_exceeded: 'audio.cancelled',
  inactivity: 'audio.timedOut',
};
