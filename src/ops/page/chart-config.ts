/**
 * A chart drawn from what stands in a recording, for when there is no drawing of it: boxes within boxes, each with what leads
 * out of it. Less than a drawing, but it needs neither the gateway nor a layout, and it draws anybody's chart.
 */
import { make } from './dom.js';
import type { ChartConfig } from './recording-file.js';

const DEPTH_MAX = 12;
const STATES_MAX = 500;

export const BOXES_STYLE = `
.boxes{display:flex;flex-wrap:wrap;gap:8px;padding:10px;font:12px system-ui,sans-serif;color:var(--ink);background:var(--ground)}
.box{border:1.5px solid var(--line-strong);border-radius:8px;padding:6px 9px;background:var(--surface);min-width:0}
.box.parallel>.inner>.box{border-style:dashed}
.box.final{border-style:double;border-width:4px}
.inner{display:flex;flex-wrap:wrap;gap:8px;margin-top:6px;align-items:flex-start}
.name{font-weight:600;font-size:13px}
.first::before{content:"● ";font-size:9px;vertical-align:middle}
.ways{list-style:none;margin:3px 0 0;padding:0;color:var(--soft)}
.ways b{font-weight:500;color:var(--accent)}
.box.active{border-color:var(--accent)}
.box.now{border-color:#c2255c;outline:2px solid #c2255c;background:color-mix(in srgb,#f06595 18%,var(--surface))}
@media (prefers-color-scheme:dark){.box.now{border-color:#ff8fb3;outline-color:#ff8fb3}}
`;

/** Every state of a value, the outer ones first: `{ alive: 'idle' }` is `alive` and `alive.idle`. */
export function statesOf(value: unknown, outer = '', depth = 0): readonly string[] {
  const named = (name: string): string => (outer === '' ? name : `${outer}.${name}`);
  if (typeof value === 'string') return value === '' ? [] : [named(value)];
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return [];
  return Object.entries(value).flatMap(([name, inner]) => [named(name), ...statesOf(inner, named(name), depth + 1)]);
}

/** The leaves of a value, as lists of actors say them. */
export function textOf(value: unknown): string {
  const states = statesOf(value);
  return states.filter((state) => !states.some((other) => other.startsWith(`${state}.`))).join(', ');
}

/** All states that a chart names, as paths. */
export function pathsOf(config: ChartConfig, outer = '', depth = 0): readonly string[] {
  if (depth > DEPTH_MAX) return [];
  return Object.entries(childrenOf(config)).flatMap(([name, child]) => {
    const path = outer === '' ? name : `${outer}.${name}`;
    return [path, ...pathsOf(child, path, depth + 1)];
  });
}

/** Each box carries its state as `data-state`, with the chart's name before it, as in the drawings. */
export function boxesOf(name: string, config: ChartConfig): HTMLElement {
  const budget = { left: STATES_MAX };
  return make('div', { class: 'boxes', 'aria-hidden': 'true' }, ...children(config, name, budget, 0));
}

function children(config: ChartConfig, outer: string, budget: { left: number }, depth: number): HTMLElement[] {
  const boxes: HTMLElement[] = [];
  for (const [name, child] of Object.entries(childrenOf(config))) {
    if (budget.left <= 0 || depth > DEPTH_MAX) break;
    budget.left -= 1;
    const state = `${outer}.${name}`;
    const type = child['type'] === 'parallel' || child['type'] === 'final' ? ` ${child['type']}` : '';
    const title = make('div', { class: config['initial'] === name ? 'name first' : 'name' }, name);
    const ways = waysOf(child).map(([event, to]) => make('li', {}, make('b', {}, event), to === '' ? '' : ` → ${to}`));
    const box = make('div', { class: `box${type}`, 'data-state': state }, title);
    if (ways.length > 0) box.append(make('ul', { class: 'ways' }, ...ways));
    const inner = children(child, state, budget, depth + 1);
    if (inner.length > 0) box.append(make('div', { class: 'inner' }, ...inner));
    boxes.push(box);
  }
  return boxes;
}

function childrenOf({ states }: ChartConfig): Readonly<Record<string, ChartConfig>> {
  if (typeof states !== 'object' || states === null) return {};
  const found = Object.entries(states).filter(([, child]) => typeof child === 'object' && child !== null);
  return Object.fromEntries(found) as Record<string, ChartConfig>;
}

/** What leads out of a state, and where to. */
function waysOf(config: ChartConfig): readonly (readonly [event: string, to: string])[] {
  const after = entriesOf(config['after']).map(([delay, way]) => [`after ${delay}`, way] as const);
  const always = config['always'] === undefined ? [] : [['always', config['always']] as const];
  return [...entriesOf(config['on']), ...after, ...always].map(([event, way]) => [event, targetsOf(way)] as const);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function targetsOf(way: unknown): string {
  if (typeof way === 'string') return way;
  if (Array.isArray(way)) return [...new Set(way.map(targetsOf).filter((target) => target !== ''))].join(' or ');
  if (typeof way !== 'object' || way === null || !('target' in way)) return '';
  return targetsOf(way.target);
}
