/**
 * What carries a room's audio. The gateway keeps who is in a room and for how long; a backend takes what one of them says
 * to the others. The one that is built in relays within this process; another may be a conference server elsewhere.
 */
import type { AudioChunk, AudioContent, AudioEncoder } from './room-transport.js';

export interface RoomBackend {
  /** One word for pages and logs. */
  readonly kind: string;
  /** Begins to open a room. Never throws; what becomes of it is told to the listener, never before this has returned. */
  open(request: RoomRequest, listener: RoomListener): RoomLink;
}

export interface RoomRequest {
  readonly name: string;
  /** As the first who joined gave them; secrets. */
  readonly url: string;
  readonly token: string;
}

export interface RoomListener {
  opened(): void;
  /** It could not be opened, or is lost. */
  failed(error: Error): void;
}

/** Somebody in a room, as the backend sees it. */
export interface RoomEar {
  readonly userId: string;
  readonly participantId: string;
  /** Hears this user id or participant id only; empty: everybody. */
  readonly hearsOnly: string;
  /** Takes the chunk or drops it, at once. Never throws. */
  hear(chunk: AudioChunk): void;
}

/** An open room. */
export interface RoomLink {
  /** From now on it hears. @returns the undo, at once: nothing is handed to it after that. */
  enter(ear: RoomEar): () => void;
  /** Takes what somebody in it says to all others in it. */
  say(from: RoomEar, content: AudioContent): void;
  /** Gives back what it holds. Called once. */
  close(): void | Promise<void>;
}

/** Relays within this process: what one says is handed to each of the others as it came, or encoded once. */
export class EmbeddedRooms implements RoomBackend {
  readonly kind = 'embedded';
  readonly #encode: AudioEncoder;

  constructor(encode: AudioEncoder) {
    this.#encode = encode;
  }

  open(_request: RoomRequest, listener: RoomListener): RoomLink {
    queueMicrotask(() => listener.opened());
    return new Relay(this.#encode);
  }
}

class Relay implements RoomLink {
  readonly #ears = new Set<RoomEar>();
  readonly #encode: AudioEncoder;

  constructor(encode: AudioEncoder) {
    this.#encode = encode;
  }

  enter(ear: RoomEar): () => void {
    this.#ears.add(ear);
    return () => void this.#ears.delete(ear);
  }

  say(from: RoomEar, content: AudioContent): void {
    let chunk: AudioChunk | undefined;
    for (const ear of this.#ears) {
      if (ear === from || !wants(ear, from)) continue;
      // Who is alone in a room speaks for nothing, not even for the encoder.
      chunk ??= isChunk(content) ? content : withMessage(content, this.#encode(content));
      ear.hear(chunk);
    }
  }

  close(): void {
    this.#ears.clear();
  }
}

/** It came as what would be made of it. */
function isChunk(content: AudioContent): content is AudioChunk {
  return content.message !== undefined;
}

/** Field by field: fifty times a second and speaker, copying whatever an object has is not free. */
function withMessage({ userId, trackId, timestampMs, pcm }: AudioContent, message: Buffer): AudioChunk {
  return { userId, trackId, timestampMs, pcm, message };
}

function wants({ hearsOnly }: RoomEar, from: RoomEar): boolean {
  return hearsOnly === '' || hearsOnly === from.userId || hearsOnly === from.participantId;
}
