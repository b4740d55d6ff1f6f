/** Users in rooms of a whole gateway on virtual time, each with a wire of the test. */
import { expect } from 'vitest';
import type { ConfigurationInput } from '../../src/configuration.js';
import type {
  AudioChunk,
  AudioHandle,
  AudioWire,
  Joined,
  JoinRequest,
  PlayEvent,
  PlayRequest,
  PlayWire,
} from '../../src/gateway/room-transport.js';
import type { GatewayEvent, RoomView } from '../../src/gateway/views.js';
import { describeReason, type ExitReason } from '../../src/otp/exit-reason.js';
import { WholeGateway } from './whole-gateway.js';

export class EarWire implements AudioWire {
  readonly chunks: AudioChunk[] = [];
  readonly ends: string[] = [];
  /** Takes nothing more until told to. */
  stuck = false;
  #done: ((error?: Error | null) => void) | undefined;

  write(chunk: AudioChunk, done: (error?: Error | null) => void): void {
    this.writeAll([chunk], done);
  }

  writeAll(chunks: readonly AudioChunk[], done: (error?: Error | null) => void): void {
    expect(this.#done, 'a second write before the first is done').toBeUndefined();
    expect(this.ends, 'a write after the end').toEqual([]);
    this.chunks.push(...chunks);
    if (this.stuck) this.#done = done;
    else done();
  }

  end(reason: ExitReason): void {
    this.ends.push(describeReason(reason));
  }

  /** The write in hand fails, or is done. */
  settle(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  /** What was heard that is no heartbeat, as `speaker/track:bytes`. */
  get heard(): string[] {
    return this.chunks
      .filter(({ pcm }) => pcm.length > 0)
      .map(({ userId, trackId, pcm }) => `${userId}/${trackId}:${pcm.length}`);
  }
}

export class EventWire implements PlayWire {
  readonly events: PlayEvent[] = [];
  readonly ends: string[] = [];

  tell(event: PlayEvent): void {
    expect(this.ends, 'an event after the end').toEqual([]);
    this.events.push(event);
  }

  end(reason: ExitReason): void {
    this.ends.push(describeReason(reason));
  }

  get types(): string[] {
    return this.events.map(({ type, error }) => (error === '' ? type : `${type} ${error}`));
  }
}

export interface Speaker {
  readonly handle: AudioHandle;
  readonly wire: EarWire;
}

export class AudioTown {
  readonly whole: WholeGateway;
  readonly #before: Readonly<Record<string, number>>;

  private constructor(whole: WholeGateway) {
    this.whole = whole;
    this.#before = this.counts;
  }

  static async start(input: ConfigurationInput = {}): Promise<AudioTown> {
    return new AudioTown(await WholeGateway.start({ cameras: [], ...input }));
  }

  get audio() {
    return this.whole.live.audio;
  }

  join(userId: string, roomName = 'hall', more: Partial<JoinRequest> = {}): Promise<Joined> {
    return this.audio.join({ userId, roomName, token: '', roomUrl: '', targetIdentity: '', ...more });
  }

  async open(userId: string, wire = new EarWire()): Promise<Speaker> {
    const handle = await this.audio.stream(userId, wire);
    await this.whole.settle();
    return { handle, wire };
  }

  /** Joins and opens the stream. */
  async enter(userId: string, roomName = 'hall', more: Partial<JoinRequest> = {}): Promise<Speaker> {
    await this.join(userId, roomName, more);
    return this.open(userId);
  }

  async play(request: Partial<PlayRequest>): Promise<{ readonly wire: EventWire; readonly cancel: () => void }> {
    const wire = new EventWire();
    const whole = { requestId: 'r1', userId: 'ann', url: '', volume: 0, stopOther: false, trackId: 1, ...request };
    const handle = await this.audio.play(whole, wire);
    return { wire, cancel: () => handle.peerCancelled() };
  }

  pass(ms: number): Promise<void> {
    return this.whole.pass(ms);
  }

  /** Time goes by in such steps, and who is here says so in each. */
  async passBeating(ms: number, ...here: readonly Speaker[]): Promise<void> {
    for (let at = 0; at < ms; at += 5_000) {
      for (const { handle } of here) handle.said(BEAT);
      await this.pass(Math.min(5_000, ms - at));
    }
  }

  get rooms(): readonly RoomView[] {
    return this.whole.live.rooms();
  }

  /** `room: user state, …`, one for each room. */
  get places(): string[] {
    return this.rooms.map(
      ({ id, users }) => `${id}: ${users.map(({ userId, state }) => `${userId} ${state}`).join(', ')}`,
    );
  }

  /** What has happened around audio, with its reason and its user. */
  get told(): string[] {
    return this.events.map(({ type, reason, detail }) => {
      const user = detail?.['userId'];
      return [type, ...(user === undefined ? [] : [user]), ...(reason === undefined ? [] : [`(${reason})`])].join(' ');
    });
  }

  get events(): readonly GatewayEvent[] {
    return this.whole.live.events().filter(({ type }) => /^(?:audio|room|play)\./.test(type));
  }

  get counts(): Readonly<Record<string, number>> {
    const { actors, streams, rooms, monitors, timers, orphans } = this.whole.live.resources();
    const { sessions, streams: open, plays } = this.audio.health();
    return { actors: actors.total, streams, rooms, monitors, timers, orphans, sessions, open, plays };
  }

  /** Holds that nobody is here and nothing is kept of those who were. */
  async isEmpty(): Promise<void> {
    await this.whole.settle();
    expect(this.counts).toEqual(this.#before);
  }

  stop(): Promise<void> {
    return this.whole.stop();
  }
}

export const BEAT = { trackId: 0, timestampMs: 0, pcm: Buffer.alloc(0) };

export function sound(bytes = 640, trackId = 0): { trackId: number; timestampMs: number; pcm: Buffer } {
  return { trackId, timestampMs: 1_000, pcm: Buffer.alloc(bytes, 7) };
}

/** A WAV file of a rising tone: PCM16 mono at 16 kHz unless it is said otherwise. */
export function wav(ms: number, { rate = 16_000, channels = 1, bits = 16, encoding = 1 } = {}): Buffer {
  const frames = Math.round((ms * rate) / 1_000);
  const bytes = bits / 8;
  const data = Buffer.alloc(frames * channels * bytes);
  for (let at = 0; at < frames * channels; at += 1) {
    const value = Math.sin((2 * Math.PI * 440 * Math.floor(at / channels)) / rate) / 2;
    if (encoding === 3) data.writeFloatLE(value, at * bytes);
    else if (bits === 8) data.writeUInt8(Math.round(value * 127) + 128, at);
    else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at * bytes, bytes);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(encoding, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * bytes, 28);
  head.writeUInt16LE(channels * bytes, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
