/** Why an actor last ended: in words, and as the chain of ends from the first failure on, each of which can be opened. */
import type { CauseView } from '../../gateway/views.js';
import { byId, make, setText } from './dom.js';
import { clock, nameOf } from './words.js';

export interface WhyStory {
  /** From the last end back to the first failure. */
  readonly why: readonly CauseView[];
  readonly paragraph?: string;
}

export function showWhy({ why, paragraph = '' }: WhyStory, openActor: (id: string) => void): void {
  setText(byId('detail-why'), why.length > 0 ? paragraph : 'It has not ended since this gateway started.');
  const list = byId('detail-chain');
  const key = why.map(({ actor, atMs }) => `${actor}@${atMs}`).join(' ');
  if (list.dataset['shown'] === key) return;
  list.dataset['shown'] = key;
  // One link is said by the words already.
  list.hidden = why.length < 2;
  list.replaceChildren(...(why.length < 2 ? [] : [...why].reverse().map((cause) => link(cause, openActor))));
}

function link({ actor, reason, atMs }: CauseView, openActor: (id: string) => void): HTMLLIElement {
  const button = make('button', { class: 'link mono', type: 'button', title: actor }, nameOf(actor));
  button.addEventListener('click', () => openActor(actor));
  const when = make('time', { class: 'soft', datetime: new Date(atMs).toISOString() }, clock.format(atMs));
  return make('li', {}, when, ' ', button, ' ', make('span', { class: 'soft' }, reason));
}
