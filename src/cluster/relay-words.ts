/**
 * What two nodes say to each other about a camera that one has and the other watches. The watching node says again and again
 * that it is interested, and up to which frame it has taken them; the owning node sends frames under one subject for each
 * watching node, whoever many viewers it has.
 */
import { packParts, unpackParts } from './parts.js';
import { subjectWord } from './subjects.js';
import type { Token } from './token.js';

/** Frames that may be on their way to one node. */
export const CREDIT_FRAMES = 8;
/** Frames after which a node says how far it is. */
export const ACK_EVERY = 4;
/** How often interest is said again, and after how long without it a node counts as gone. Milliseconds. */
export const INTEREST_MS = 2_000;
export const INTEREST_TTL_MS = 6_500;

export interface Interest {
  readonly camera: string;
  /** Who watches, and its attempt: unique for ever. */
  readonly node: string;
  readonly stream: string;
  /** The highest frame of this stream that came; 0: none. */
  readonly got: number;
  /** It has seen enough. */
  readonly stop: boolean;
}

/** What goes the other way. */
export type RelayHead =
  | { readonly type: 'watching'; readonly stream: string; readonly inc: number }
  | { readonly type: 'ended'; readonly stream: string; readonly inc: number; readonly why: string }
  | {
      readonly type: 'frame';
      readonly stream: string;
      /** The incarnation of the node that sends: its right to speak for the camera. Lower ones than before are refused. */
      readonly inc: number;
      /** Of the camera, where it is a key: the same right, over all nodes. */
      readonly token?: Token | undefined;
      /** Rises by one in each stream. */
      readonly n: number;
      readonly timestampMs: number;
      readonly contentType: string;
      readonly key: boolean;
    };

export function interestSubject(owner: string): string {
  return `media.${subjectWord(owner)}.interest`;
}

/** One for each camera and watching node. */
export function framesSubject(watcher: string, camera: string): string {
  return `media.${subjectWord(watcher)}.frames.${subjectWord(camera)}`;
}

export function writeInterest(interest: Interest): Uint8Array {
  return packParts({ ...interest }, new Uint8Array());
}

export function readInterest(packed: Uint8Array): Interest | undefined {
  const { camera, node, stream, got, stop } = unpackParts(packed).head;
  if (typeof camera !== 'string' || typeof node !== 'string' || typeof stream !== 'string') return undefined;
  return { camera, node, stream, got: typeof got === 'number' ? got : 0, stop: stop === true };
}

export function writeRelay(head: RelayHead, picture: Uint8Array = new Uint8Array()): Uint8Array {
  return packParts({ ...head }, picture);
}

export function readRelay(packed: Uint8Array): { readonly head: RelayHead; readonly picture: Uint8Array } | undefined {
  const { head, body } = unpackParts(packed);
  if (typeof head['stream'] !== 'string' || typeof head['inc'] !== 'number') return undefined;
  const { type, n, timestampMs, contentType, key, token } = head;
  if (type === 'watching' || type === 'ended') return { head: head as unknown as RelayHead, picture: body };
  if (type !== 'frame' || typeof n !== 'number' || typeof timestampMs !== 'number') return undefined;
  if (typeof contentType !== 'string' || typeof key !== 'boolean' || !isTokenOrNone(token)) return undefined;
  return { head: head as unknown as RelayHead, picture: body };
}

function isTokenOrNone(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { era, rev } = value as Readonly<Record<string, unknown>>;
  return typeof era === 'number' && typeof rev === 'number';
}
