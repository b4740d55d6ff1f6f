/** What claims are made of, and how they are answered. */
import type { Clock } from '../otp/clock.js';
import type { Directory } from './directory.js';
import type { Engine } from './engine.js';
import type { Ownership } from './holding.js';
import type { ClusterOptions } from './options.js';
import type { Rules } from './rules.js';

export type ClaimAnswer =
  | { readonly type: 'owned'; readonly ownership: Ownership }
  /** A later connect has been here: the one that asks is of the past. */
  | { readonly type: 'stale_connect' }
  /** A newer claim took it while this one was under way. */
  | { readonly type: 'superseded' }
  /** This node may not act, or ceased to before the claim was through. */
  | { readonly type: 'fenced' }
  /** The engine did not answer. The claim may still land; it is buried then. */
  | { readonly type: 'unavailable'; readonly why: string };

/** Of a claim that takes nothing from anybody. */
export type ExclusiveAnswer = ClaimAnswer | HeldByAnother;

/** It is somebody's: of this node, or of one that may be dead while its lease still stands. */
export interface HeldByAnother {
  readonly type: 'held';
  readonly node: string;
}

export interface ClaimsParts {
  readonly node: string;
  readonly engine: Engine;
  readonly clock: Clock;
  /** In [0, 1): spreads the tries of several nodes. */
  readonly random: () => number;
  readonly options: ClusterOptions;
  readonly rules: Rules;
  readonly directory: Directory;
  readonly era: () => number;
  readonly inc: () => number;
  readonly mayAct: () => boolean;
  /** A key was taken from another node: it is told, in case its watch lags. */
  readonly onTaken: (key: string, from: string, token: { readonly era: number; readonly rev: number }) => void;
  /** A read shows less than was acknowledged. */
  readonly onWentBack: (what: string) => void;
}

/** A claim that is under way. */
export interface Attempt {
  readonly key: string;
  readonly ord: number;
  readonly claim: string;
  readonly inc: number;
  /** It takes nothing from anybody. */
  readonly exclusive: boolean;
  tries: number;
  /** Whom the last try took it from. Afterwards it is too late to look: the watch may tell of this very claim before its answer comes. */
  from?: string;
  /** The revision at which the engine itself said that the key is held, and the one whose pause is over. */
  readRev?: number;
  pausedRev?: number;
  done(answer: ExclusiveAnswer): void;
}
