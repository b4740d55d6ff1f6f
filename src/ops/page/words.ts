/** How numbers, times and states are said on the page. */

const plain = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
export const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function number(n: number | undefined): string {
  return n === undefined ? '–' : n < 100_000 ? plain.format(n) : compact.format(n);
}

export function many(n: number, one: string, more = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : more}`;
}

export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function age(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

export function bytes(n: number): string {
  if (n >= 2 ** 30) return `${(n / 2 ** 30).toFixed(2)} GiB`;
  if (n >= 2 ** 20) return `${(n / 2 ** 20).toFixed(0)} MiB`;
  return n >= 1024 ? `${(n / 1024).toFixed(1)} KiB` : `${n} B`;
}

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** The last part of a path. */
export function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** `alive.live.pictures.fresh` → `live.pictures.fresh`: what is alive need not say so. */
export function stateOf(state: string): string {
  const short = state.replace(/\balive\./g, '').replace('(', ' (');
  return inWords(short.replace(/(?<=\(.*) /g, ', '));
}

export function inWords(state: string): string {
  return state.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

const BAD = /fail|crash|stopped|dead|dispos|fenced|halted|suspect/i;
const WAIT =
  /stale|stall|recover|back|paus|grace|opening|connecting|starting|restarting|clos|releas|stopping|drain|joining|absent/i;
const GOOD = /live|open|flowing|running|connected|present|fresh|welcomed|alive|linger|up|available|attached|occupied/i;

export type Tone = 'good' | 'wait' | 'bad' | '';

export function toneOf(state: string): Tone {
  return BAD.test(state) ? 'bad' : WAIT.test(state) ? 'wait' : GOOD.test(state) ? 'good' : '';
}
