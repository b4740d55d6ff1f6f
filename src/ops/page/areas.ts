/** The areas of the page, one shown at a time and named in the address. */
import { byId, setAttribute } from './dom.js';

export const AREAS = [
  'overview',
  'processes',
  'clients',
  'services',
  'cluster',
  'resources',
  'leaks',
  'replay',
] as const;
export type Area = (typeof AREAS)[number];

let area: Area = 'overview';

export function currentArea(): Area {
  return area;
}

/** The area that the address names. */
export function showArea(): void {
  const named = location.hash.slice(1);
  area = AREAS.find((one) => one === named) ?? 'overview';
  for (const one of AREAS) {
    byId(`area-${one}`).hidden = one !== area;
    setAttribute(byId(`to-${one}`), 'aria-current', one === area ? 'page' : undefined);
  }
  // Where there is no room for all the names, the current one is in sight; the page itself does not move.
  const link = byId(`to-${area}`);
  const names = link.parentElement as HTMLElement;
  const { left, right } = link.getBoundingClientRect();
  const { left: from, right: to } = names.getBoundingClientRect();
  if (left < from || right > to) names.scrollLeft += left - from - 20;
}
