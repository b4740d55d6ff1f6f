/**
 * Audio as the gateway knows it, and the wires under it. Owned here, implemented by `src/grpc`. A wire reports what happens
 * on it through the handle that it was given; it decides nothing.
 */
import type { ExitReason } from '../otp/exit-reason.js';
import type { StreamHandle } from './transport.js';

/** The one format: PCM16, little endian, mono. */
export const SAMPLE_RATE = 16_000;
export const CHANNELS = 1;
export const BYTES_PER_SAMPLE = 2;

/** What one user says at a time. The bytes belong to the receiver. */
export interface AudioContent {
  /** Who speaks. */
  readonly userId: string;
  readonly trackId: number;
  readonly timestampMs: number;
  readonly pcm: Uint8Array;
  /** The message that says exactly this, where it came as one. Without it, it is encoded. */
  readonly message?: Buffer | undefined;
}

/**
 * One chunk of a speaker, immutable and shared by reference by all who hear it. `message` is the whole gRPC message, the five
 * bytes of framing and the protobuf behind them: as it came, or encoded once.
 */
export interface AudioChunk extends AudioContent {
  readonly message: Buffer;
}

/** Makes `AudioChunk.message`. */
export type AudioEncoder = (content: AudioContent) => Buffer;

/** The wire of one user's StreamAudio. */
export interface AudioWire {
  /** `done` is called once, later, when the wire has taken the chunk or failed; there is no second write before. Never throws. */
  write(chunk: AudioChunk, done: (error?: Error | null) => void): void;
  /** The same for several, as one write. */
  writeAll(chunks: readonly AudioChunk[], done: (error?: Error | null) => void): void;
  /** Ends the call with the status that the reason stands for. Called once. Never throws. */
  end(reason: ExitReason): void;
}

/** What the wire of a StreamAudio reports. */
export interface AudioHandle extends StreamHandle {
  /** The user has said something; an empty payload says only that it is there. */
  said(content: Omit<AudioContent, 'userId'>): void;
}

/** What somebody who plays a file is told. */
export interface PlayEvent {
  readonly type: 'started' | 'progress' | 'completed' | 'failed';
  readonly requestId: string;
  readonly durationMs: number;
  readonly positionMs: number;
  /** Empty unless `failed`. */
  readonly error: string;
}

export interface PlayWire {
  /** Never throws. */
  tell(event: PlayEvent): void;
  /** As of an `AudioWire`. */
  end(reason: ExitReason): void;
}

export interface JoinRequest {
  readonly userId: string;
  readonly roomName: string;
  /** For the backend; never logged. */
  readonly token: string;
  readonly roomUrl: string;
  /** Hear this one only; empty: everybody. */
  readonly targetIdentity: string;
}

export interface Joined {
  readonly participantId: string;
  /** The caller included. */
  readonly participants: number;
  readonly room: string;
  readonly backend: string;
}

export interface PlayRequest {
  /** Empty: one is made. */
  readonly requestId: string;
  readonly userId: string;
  readonly url: string;
  /** 0: as it is. */
  readonly volume: number;
  readonly stopOther: boolean;
  readonly trackId: number;
}

export interface StopRequest {
  readonly userId: string;
  /** Empty: whatever plays on the track. */
  readonly requestId: string;
  /** -1: every track. */
  readonly trackId: number;
}

/** Where a user is, and why it was last no longer there. */
export interface UserStatus {
  /** Absent: in no room. */
  readonly joined: Pick<Joined, 'participantId' | 'participants'> | undefined;
  readonly lastDisconnect: { readonly atMs: number; readonly reason: string } | undefined;
}

export interface AudioHealth {
  readonly serving: boolean;
  /** Users in rooms, with a stream or still without. */
  readonly sessions: number;
  readonly streams: number;
  readonly rooms: number;
  readonly plays: number;
  readonly uptimeSeconds: number;
}

/** The rooms as the audio bridge asks for them. What is refused throws a `GatewayError`. */
export interface AudioRooms {
  /** Resolves when the user is in the room. Whoever was there under this name has gone by then. */
  join(request: JoinRequest): Promise<Joined>;
  /** Resolves when the user has gone. @param reason in the user's words, for `status`. */
  leave(userId: string, reason: string): Promise<void>;
  /** The user opens its stream. A stream that it had before ends as superseded. */
  stream(userId: string, wire: AudioWire): Promise<AudioHandle>;
  /** The user plays a file to the others. What goes wrong with the file is told on the wire. */
  play(request: PlayRequest, wire: PlayWire): Promise<StreamHandle>;
  /** @returns the id of what was stopped; of several, the one that began last. */
  stopPlay(request: StopRequest): string;
  status(userId: string): UserStatus;
  health(): AudioHealth;
}
