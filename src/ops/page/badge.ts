/** A state as a coloured word. */
import { make, setClass, setText } from './dom.js';
import { stateOf, type Tone, toneOf } from './words.js';

export function badge(): HTMLElement {
  return make('span', { class: 'badge' });
}

export function setBadge(element: Element, state: string, tone: Tone = toneOf(state)): void {
  setText(element, stateOf(state));
  setClass(element, `badge ${tone}`.trim());
}
