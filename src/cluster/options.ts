/** The times of the protocol. All are milliseconds; `research` behind them: a leader of three servers is replaced in 4.6 to 7.7 s. */
import type { Times } from './rules.js';

export interface ClusterOptions extends Times {
  /** How often a lease is renewed. */
  readonly renewMs: number;
  /** How long an engine may take to answer before the outcome counts as unknown. */
  readonly answerMs: number;
  /** How often a node says that it lives, and after how much silence others take it for lost. A hint, and may be wrong. */
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  /** How often what is owned is read again, because a watch may lag. */
  readonly resyncMs: number;
  /** Keys that are read again in one go. */
  readonly resyncKeys: number;
  /** Tries of one claim before it is given up. */
  readonly attempts: number;
}

/** For three servers. With one there are no elections, and a `ttlMs` of 5,000 is enough. */
export const CLUSTER_DEFAULTS: ClusterOptions = {
  ttlMs: 12_000,
  marginMs: 1_000,
  renewMs: 1_000,
  answerMs: 1_500,
  heartbeatMs: 500,
  silenceMs: 2_000,
  resyncMs: 1_500,
  resyncKeys: 500,
  attempts: 8,
};
