/** Ratios of turns to turns, as they are told: the median, where it lies with 95 % confidence, and what that decides. */
import { median } from '../peer.js';

const LIMIT = 1.03;

export function told(ratios: readonly number[]): Readonly<Record<string, string>> {
  const [low, high] = interval(ratios);
  return {
    ratio: median(ratios).toFixed(3),
    '95 %': `${low.toFixed(3)} … ${high.toFixed(3)}`,
    '≤ 3 %': high <= LIMIT ? 'yes' : low > LIMIT ? 'no' : 'too noisy to say',
    turns: String(ratios.length),
  };
}

/** Of the median: the two values between whose ranks it lies in 95 of 100 cases, whatever the values are distributed like. */
export function interval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const aside = Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2);
  const rank = Math.max(0, aside);
  return [sorted[rank] as number, sorted[sorted.length - 1 - rank] as number];
}
