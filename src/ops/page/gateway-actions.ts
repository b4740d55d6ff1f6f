/** What can be done to the gateway as a whole: sweep now, send everybody away, write down what is in memory. */
import { askFirst } from './ask-first.js';
import { byId, make } from './dom.js';
import { actButton } from './token.js';
import { bytes, many } from './words.js';

/** Shows whichever of the two is to be done now. */
export function showDraining(isDraining: boolean): void {
  const [drain, undrain] = byId('gateway-actions').querySelectorAll<HTMLElement>('.drain, .undrain');
  if (drain) drain.hidden = isDraining;
  if (undrain) undrain.hidden = !isDraining;
}

export function setUpGatewayActions(nodeName: () => string): void {
  const drain = actButton('Drain', () =>
    askFirst({
      verb: 'Drain',
      name: nodeName(),
      id: 'POST /api/drain',
      path: 'api/drain',
      text: 'Newcomers are refused, and every client and viewer is told to go.',
      undo: 'Who has gone is gone; “Undrain” lets newcomers in again.',
      told: async () => 'Draining.',
    }),
  );
  const undrain = actButton('Undrain', () =>
    askFirst({
      verb: 'Undrain',
      name: nodeName(),
      id: 'POST /api/undrain',
      path: 'api/undrain',
      text: 'Newcomers are let in again.',
      undo: '“Drain” refuses them again.',
      told: async () => 'Newcomers are let in again.',
    }),
  );
  drain.classList.add('drain');
  undrain.classList.add('undrain');
  undrain.hidden = true;
  byId('gateway-actions').append(
    actButton('Clean up', () =>
      askFirst({
        verb: 'Clean up',
        name: nodeName(),
        id: 'POST /cleanup-resources',
        path: 'cleanup-resources',
        text: 'What has outlived its time is taken away now instead of at the next sweep.',
        told: async (answer) => {
          const { removed } = (await answer.json()) as { removed: Record<string, number> };
          const parts = Object.entries(removed).filter(([, n]) => n > 0);
          return parts.length > 0
            ? `Removed ${parts.map(([kind, n]) => many(n, kind)).join(', ')}.`
            : 'There was nothing to remove.';
        },
      }),
    ),
    actButton('Heap snapshot', () =>
      askFirst({
        verb: 'Snapshot',
        name: nodeName(),
        id: 'POST /api/heap-snapshot',
        path: 'api/heap-snapshot',
        text: 'The gateway stands still while its memory is written down, secrets included. The file is downloaded.',
        told: download,
      }),
    ),
    actButton('Collect garbage', () =>
      askFirst({
        verb: 'Collect garbage',
        name: nodeName(),
        id: 'POST /api/gc',
        path: 'api/gc',
        text: 'The gateway stands still while its garbage is collected.',
        undo: 'Nothing is lost by it.',
        told: async (answer) => {
          const { ms, heapUsed } = (await answer.json()) as Collection;
          return `Collected ${bytes(Math.max(0, heapUsed.before - heapUsed.after))} in ${ms} ms.`;
        },
      }),
    ),
    actButton('Log level', () =>
      askFirst({
        verb: 'Set log level',
        name: nodeName(),
        id: 'POST /api/log-level',
        path: 'api/log-level',
        text: 'From now on only what is at least of this level is logged, until it is set again or the gateway starts anew.',
        undo: '',
        field: {
          name: 'level',
          label: 'Level',
          options: ['info', 'debug', 'trace', 'warn', 'error', 'fatal', 'silent'],
        },
        told: async (answer) => `Logged from ${((await answer.json()) as { level: string }).level} on.`,
      }),
    ),
    drain,
    undrain,
  );
}

interface Collection {
  readonly ms: number;
  readonly heapUsed: { readonly before: number; readonly after: number };
}

async function download(answer: Response): Promise<string> {
  const file = await answer.blob();
  const url = URL.createObjectURL(file);
  make('a', { href: url, download: `sluice-${Date.now()}.heapsnapshot` }).click();
  // The browser has begun to read it when the click returns; the memory is given back afterwards.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return `Snapshot: ${bytes(file.size)}.`;
}
