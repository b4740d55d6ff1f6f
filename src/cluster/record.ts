/**
 * What is written in the engine, and its reading. Records come from other versions and other hands: what cannot be read is
 * treated as a record of nobody, never as an error that stops a node.
 */

/** Who owns a key. A record without a node is a tombstone: nobody, but the ordinal is remembered. */
export interface OwnRecord {
  readonly node: string;
  readonly inc: number;
  /** Which attempt wrote it; unique. */
  readonly claim: string;
  /** The highest ordinal of a connect that this key has seen. */
  readonly ord: number;
  /** How the last owner ended, in a tombstone. */
  readonly end?: 'released' | 'reaped' | 'orphan';
}

/** That a node lives. */
export interface LeaseRecord {
  readonly inc: number;
  /** Where it can be reached; informative. */
  readonly addr: string;
}

export function writeRecord(record: OwnRecord | LeaseRecord): string {
  return JSON.stringify(record);
}

const NOBODY: OwnRecord = { node: '', inc: 0, claim: '', ord: 0 };

export function readOwnRecord(value: string | undefined): OwnRecord {
  const { node, inc, claim, ord, end } = fieldsOf(value);
  if (typeof node !== 'string' || typeof claim !== 'string' || !isCount(inc) || !isCount(ord)) return NOBODY;
  return {
    node,
    inc,
    claim,
    ord,
    ...(end === 'released' || end === 'reaped' || end === 'orphan' ? { end } : {}),
  };
}

export function readLease(value: string | undefined): LeaseRecord | undefined {
  const { inc, addr } = fieldsOf(value);
  return isCount(inc) && typeof addr === 'string' ? { inc, addr } : undefined;
}

function fieldsOf(value: string | undefined): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Not ours, or of a version that writes otherwise.
    return {};
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
