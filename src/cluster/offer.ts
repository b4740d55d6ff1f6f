/**
 * What a node offers to the others, as one record of its own: the procedures of its clients and the cameras that it has. Its
 * incarnation stands in it, so that what a dead one offered is nobody's offer.
 */

export interface Offer {
  readonly inc: number;
  readonly procedures: ReadonlySet<string>;
  readonly cameras: ReadonlySet<string>;
}

/** An engine's record is small (NATS: 1 MiB by default): names beyond this are not offered. Characters. */
const OFFER_LENGTH_MAX = 512 * 1024;

/** @returns the record, and how many names had no room in it. */
export function writeOffer({ inc, procedures, cameras }: Offer): { readonly value: string; readonly cut: number } {
  let length = 64;
  let cut = 0;
  const fitting = (names: Iterable<string>): string[] =>
    [...names].sort().filter((name) => {
      length += JSON.stringify(name).length + 1;
      if (length <= OFFER_LENGTH_MAX) return true;
      cut += 1;
      return false;
    });
  // Cameras first: there are fewer of them.
  const offered = { inc, cameras: fitting(cameras), procedures: fitting(procedures) };
  return { value: JSON.stringify(offered), cut };
}

/** Undefined for what is no offer, which is that of nobody. */
export function readOffer(value: string | undefined): Offer | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    const { inc, procedures, cameras } = JSON.parse(value) as Readonly<Record<string, unknown>>;
    if (typeof inc !== 'number' || !isNames(procedures) || !isNames(cameras)) return undefined;
    return { inc, procedures: new Set(procedures), cameras: new Set(cameras) };
  } catch {
    // Of another version, or of somebody else.
    return undefined;
  }
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
