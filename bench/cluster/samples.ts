/** Figures of samples as the tables show them. */
export function share(ms: readonly number[], at: number): number {
  return [...ms].sort((x, y) => x - y)[Math.min(ms.length - 1, Math.floor(ms.length * at))] ?? Number.NaN;
}

export const shown = (ms: number): string => (Number.isNaN(ms) ? '' : ms.toFixed(2));

/** A figure that section 7 of the research asks to be held, and whether it is. */
export interface Row {
  readonly what: string;
  readonly p50: string;
  readonly p99: string;
  /** Of the bare engine in the same run, at p99; empty where there is no such thing. */
  readonly '× bare': string;
  readonly held: string;
}

export function row(what: string, ms: readonly number[], limit: number, bare: readonly number[] = []): Row {
  const p99 = share(ms, 0.99);
  const ratio = bare.length > 0 ? (p99 / share(bare, 0.99)).toFixed(1) : '';
  return {
    what,
    p50: shown(share(ms, 0.5)),
    p99: shown(p99),
    '× bare': ratio,
    held: `${p99 <= limit ? 'yes' : 'NO'}, <= ${limit}`,
  };
}
