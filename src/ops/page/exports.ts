/** What can be taken away of an actor as a file: its recording, its chart with the state marked, its last messages as a diagram. */
import { Refusal, request } from './ask.js';
import { make } from './dom.js';
import { toast } from './toast.js';
import { nameOf } from './words.js';

interface Form {
  readonly query: string;
  readonly ending: string;
}

const FORMS = {
  'Save recording': { query: '', ending: 'ndjson' },
  'Chart as Mermaid': { query: '?form=mermaid', ending: 'chart.mmd' },
  'Chart as JSON': { query: '?form=chart', ending: 'chart.json' },
  'Messages as Mermaid': { query: '?form=sequence&last=60', ending: 'messages.mmd' },
} as const satisfies Record<string, Form>;

export type Export = keyof typeof FORMS;
export const EXPORTS = Object.keys(FORMS) as readonly Export[];

export async function exportActor(name: Export, id: string): Promise<void> {
  const { query, ending } = FORMS[name];
  try {
    const answer = await request(`api/actors/${encodeURIComponent(id)}/flight${query}`);
    saveText(await answer.text(), nameOf(id), ending);
  } catch (error) {
    const isGone = error instanceof Refusal && error.status === 404;
    toast(isGone ? `${name}: ${nameOf(id)} has none, or not any more.` : (error as Error).message);
  }
}

export function saveText(text: string, name: string, ending: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  make('a', { href: url, download: `${name.replace(/[^\w.-]+/g, '-')}.${ending}` }).click();
  // The browser has begun to read it when the click returns; the memory is given back afterwards.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
