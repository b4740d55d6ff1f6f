/** One actor in full, as `sluice top` shows it after Enter. */
import { duration } from '../terminal-text.js';
import type { Line } from './line.js';
import type { Inside } from './look.js';

export function insideLines(id: string, { actor, why, paragraph, events, flight }: Inside, columns: number): Line[] {
  const lines: Line[] = [{ text: id, tone: 'heading' }];
  if (actor) {
    const { kind, state, restarts, startedAtMs, mailbox, memoryBytes, holds, monitors, watchedBy, watches } = actor;
    const held = Object.entries(holds).map(([name, count]) => `${name} ${count}`);
    lines.push(
      { text: `kind ${kind}  state ${state}` },
      {
        text: `age ${duration((Date.now() - startedAtMs) / 1_000)}  restarts ${restarts}  queue ${mailbox}  memory ${memoryBytes}`,
      },
      { text: `holds ${held.join(', ') || 'nothing'}` },
      { text: `watched by ${listed(watchedBy, monitors)}` },
      { text: `watches ${listed(watches, watches.length)}` },
    );
  } else lines.push({ text: 'it has ended', tone: 'warning' });
  if (why.length > 0) lines.push({ text: '' }, ...wrapped(`Why it ended: ${paragraph}`, columns));
  if (flight.length > 0) {
    lines.push({ text: '' }, { text: 'received', tone: 'heading' });
    for (const { atMs, event, state } of [...flight].reverse())
      lines.push({ text: `${time(atMs)}  ${event}  ->  ${state}` });
  }
  if (events.length > 0) {
    lines.push({ text: '' }, { text: 'events', tone: 'heading' });
    for (const { atMs, type, reason } of [...events].reverse())
      lines.push({ text: `${time(atMs)}  ${type}${reason === undefined ? '' : `: ${reason}`}` });
  }
  return lines;
}

function listed(names: readonly string[], all: number): string {
  if (all === 0) return 'nobody';
  return all > names.length ? `${names.join(', ')} (${all})` : names.join(', ');
}

function time(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 23);
}

function wrapped(text: string, columns: number): Line[] {
  const lines: Line[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > columns) {
      lines.push({ text: line });
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, { text: line }];
}
