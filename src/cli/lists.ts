/** `sluice clients` and `sluice streams`: a list of a running gateway as a table, or as JSON. */
import type { ClientView, StreamView } from '../gateway/views.js';
import { type RemoteCommand, remotely } from './remote-command.js';
import { plain } from './terminal-text.js';

type Columns<T> = readonly (readonly [heading: string, cell: (item: T) => string])[];

const CLIENTS: Columns<ClientView> = [
  ['NODE', ({ nodeId }) => nodeId],
  ['STATE', ({ state }) => state],
  ['STREAMS', ({ streams }) => String(streams)],
  ['KIND', ({ implicit }) => (implicit ? 'implicit' : 'client')],
];

const STREAMS: Columns<StreamView> = [
  ['ID', ({ id }) => id.replace(/^sluice\//, '')],
  ['KIND', ({ kind }) => kind],
  ['STATE', ({ state }) => state],
  ['CAMERA', ({ cameraId = '' }) => cameraId],
  ['QUEUED', ({ queued }) => String(queued)],
  ['SENT', ({ sent }) => String(sent)],
  ['DROPS', ({ drops }) => String(drops)],
];

export function runClients(command: RemoteCommand): Promise<number> {
  return runList(command, 'clients', CLIENTS);
}

export function runStreams(command: RemoteCommand): Promise<number> {
  return runList(command, 'streams', STREAMS);
}

function runList<T>(command: RemoteCommand, plural: string, columns: Columns<T>): Promise<number> {
  return remotely(command, plural, async (gateway) => {
    const items = await gateway.list<T>(plural);
    command.stdout.write(command.json ? `${JSON.stringify({ [plural]: items })}\n` : table(items, columns));
    return 0;
  });
}

/** Columns as wide as what is in them. */
function table<T>(items: readonly T[], columns: Columns<T>): string {
  const rows = [
    columns.map(([heading]) => heading),
    ...items.map((item) => columns.map(([, cell]) => plain(cell(item)))),
  ];
  const widths = columns.map((_, at) => rows.reduce((widest, row) => Math.max(widest, row[at]?.length ?? 0), 0));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
