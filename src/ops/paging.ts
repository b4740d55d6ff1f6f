/**
 * Pages of a list that changes while it is read. They are cut by id and not by position: what comes and goes between two
 * pages makes nobody be listed twice or be left out.
 */
import { HttpError } from './http-error.js';

const LIMIT_DEFAULT = 1000;
const LIMIT_MAX = 10_000;

export interface Page<T> {
  readonly items: readonly T[];
  /** What to give as `after` for the next page; absent on the last. */
  readonly next?: string;
}

/** The items after `?after=`, at most `?limit=` of them, in the order of their ids. */
export function pageOf<T extends { readonly id: string }>(items: readonly T[], query: URLSearchParams): Page<T> {
  const limit = wholeNumber(query, 'limit', LIMIT_DEFAULT, 1, LIMIT_MAX);
  const after = query.get('after');
  const rest = after === null ? [...items] : items.filter((item) => item.id > after);
  rest.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return last !== undefined && page.length < rest.length ? { items: page, next: last.id } : { items: page };
}

/** A number from the query, or its default; throws a 400 that names the field. */
export function wholeNumber(
  query: URLSearchParams,
  field: string,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const text = query.get(field);
  if (text === null) return fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const expected = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new HttpError(400, 'invalid_argument', `${field}: expected a whole number ${expected}`);
}
