/** What can be done to the gateway as a whole: sweep now, send everybody away, write down what is in memory. */
import { askFirst } from './ask-first.js';
import { byId, make } from './dom.js';
import { actButton } from './token.js';
import { bytes, many } from './words.js';

export function setUpGatewayActions(nodeName: () => string): void {
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
    actButton('Drain', () =>
      askFirst({
        verb: 'Drain',
        name: nodeName(),
        id: 'POST /api/drain',
        path: 'api/drain',
        text: 'Newcomers are refused, and every client and viewer is told to go. The gateway does not take anybody again until it is restarted.',
        told: async () => 'Draining.',
      }),
    ),
  );
}

async function download(answer: Response): Promise<string> {
  const file = await answer.blob();
  const url = URL.createObjectURL(file);
  make('a', { href: url, download: `sluice-${Date.now()}.heapsnapshot` }).click();
  // The browser has begun to read it when the click returns; the memory is given back afterwards.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return `Snapshot: ${bytes(file.size)}.`;
}
