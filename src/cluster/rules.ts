/**
 * The decisions of the ownership protocol as plain functions, a rule each. The simulation removes them one at a time and has
 * to notice; everything else in this folder is when they are asked and what is done about the answer.
 */
import type { EngineInfo } from './engine.js';
import type { OwnRecord } from './record.js';

export interface Times {
  /** The engine forgets a lease that was not renewed for so long. */
  readonly ttlMs: number;
  /** How long before that a node stops acting. */
  readonly marginMs: number;
}

export interface Rules {
  /** Ordinals of connects: one that is lower than the highest seen is of the past. 0 is unknown and never stale. */
  staleConnect(ord: number, highestSeen: number): boolean;
  /**
   * Until when a lease holds: from when its renewal was *sent*, because the engine may have counted from then. Counted from
   * the answer it would be longer than the engine's own time.
   */
  deadlineMs(sentMs: number, answeredMs: number, times: Times): number;
  /** Whether a node may act now. Asked before every effect, because a timer may fire late after a pause. */
  mayAct(nowMs: number, deadlineMs: number): boolean;
  /** Whether a record takes the key from whoever holds it under this token and claim. */
  supersedes(record: OwnRecord, rev: number, held: { readonly rev: number; readonly claim: string }): boolean;
  /**
   * How long an exclusive claim waits before it takes a key, in milliseconds; infinite while it is somebody's. What the engine took
   * from one whose lease had ended rests for a margin more, because that one may wake up late. `own`: this node's own, which
   * it does not hold any more.
   */
  exclusivePauseMs(record: OwnRecord, own: boolean, times: Times): number;
  /** A claim of ours that landed after we had given it up: nobody would ever release it. */
  orphaned(record: OwnRecord, self: string, held: string | undefined, pending: string | undefined): boolean;
  /** What a key becomes that nobody owns. The ordinal stays: an older connect that is late must still be refused. */
  buried(record: OwnRecord, end: NonNullable<OwnRecord['end']>): OwnRecord;
  /** Whether an incarnation is dead, given the lease of its node that stands now. Only then may others bury its records. */
  dead(inc: number, standing: number | undefined): boolean;
  /** Whether a renewal that was refused means that the lease is lost, given what stands there now. */
  leaseLost(standing: number | undefined, inc: number): boolean;
  /** The engine knows less than it has acknowledged: writes were lost, or it was put back. */
  wentBack(info: Pick<EngineInfo, 'era' | 'lastRev'>, seen: { readonly era: number; readonly rev: number }): boolean;
}

/**
 * So many answers, one after the other, have to show less than was seen before the engine is said to have gone back. The first is
 * enough not to act; but it may be of a server that was cut off and lags behind the others until they have settled who
 * leads, and whoever halts stays so. The rest come with the tries to join, one in two seconds.
 */
export const DOUBTS_MAX = 12;

/** So often is a node that is up answered less, at once one after the other, before it acts no more. */
export const LOOKS = 3;

export const RULES: Rules = {
  staleConnect: (ord, highestSeen) => ord > 0 && ord < highestSeen,
  deadlineMs: (sentMs, _answeredMs, { ttlMs, marginMs }) => sentMs + ttlMs - marginMs,
  mayAct: (nowMs, deadlineMs) => nowMs < deadlineMs,
  supersedes: ({ claim }, rev, held) => rev > held.rev && claim !== held.claim,
  exclusivePauseMs: ({ node, end }, own, { marginMs }) =>
    node !== '' && !own ? Number.POSITIVE_INFINITY : end === 'reaped' ? marginMs : 0,
  orphaned: ({ node, claim }, self, held, pending) => node === self && claim !== held && claim !== pending,
  buried: ({ ord }, end) => ({ node: '', inc: 0, claim: '', ord, end }),
  dead: (inc, standing) => standing !== inc,
  leaseLost: (standing, inc) => standing !== inc,
  wentBack: ({ era, lastRev }, seen) => era < seen.era || (era === seen.era && lastRev < seen.rev),
};
