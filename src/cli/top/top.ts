/**
 * `sluice top`: what happens in a running gateway, over HTTP only. On a terminal it goes on until it is quit; with `--once`,
 * and where there is no terminal, it says once what it sees and ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Remote, RemoteError } from '../remote.js';
import { type RemoteCommand, remotely } from '../remote-command.js';
import { loadInk, showTop } from './app.js';
import { draw } from './draw.js';
import { figuresOf } from './figures.js';
import { look } from './look.js';
import { firstScreen } from './screen.js';
import { TopSession } from './session.js';

export interface TopCommand extends RemoteCommand {
  readonly once?: boolean | undefined;
  readonly intervalMs?: number | undefined;
  readonly stdin: NodeJS.ReadStream;
  readonly terminal: NodeJS.WriteStream;
  /** `NO_COLOR` is set. */
  readonly noColour: boolean;
}

/** Rates need two looks; `--once` waits so long between them. */
const BETWEEN_MS = 1_000;
const COLUMNS_WITHOUT_TERMINAL = 120;

export function runTop(command: TopCommand): Promise<number> {
  return remotely(command, 'top', async (gateway) => {
    const { stdin, terminal, once, json, noColour, intervalMs } = command;
    if (once || json || !terminal.isTTY || !stdin.isTTY) return sayOnce(gateway, command);
    const loaded = await loadInk();
    if (!loaded) {
      throw new RemoteError('needs the packages ink and react, which are not installed: npm install ink react', 2);
    }
    // What is wrong from the start is said without taking the screen.
    await gateway.getText('/system-resources');
    const size = () => ({ columns: terminal.columns || 80, rows: terminal.rows || 24 });
    const session = new TopSession(gateway, size, intervalMs);
    await showTop(loaded, session, { stdin, stdout: terminal, colour: !noColour });
    return 0;
  });
}

async function sayOnce(gateway: Remote, { json, stdout, terminal }: TopCommand): Promise<number> {
  const [before] = await look(gateway, firstScreen);
  await delay(BETWEEN_MS);
  const [sample, content] = await look(gateway, firstScreen);
  const figures = figuresOf([before, sample]);
  const actors = content.of === 'actors' ? content.actors : [];
  if (json) {
    stdout.write(`${JSON.stringify({ figures, limits: sample.resources.limits, actors })}\n`);
    return 0;
  }
  const columns = terminal.columns || COLUMNS_WITHOUT_TERMINAL;
  const seen = { where: gateway.where, figures, limits: sample.resources.limits, content, nowMs: Date.now() };
  // As many rows as there are actors, and what stands around them; the last line is about keys.
  const { lines } = draw(firstScreen, seen, { columns, rows: actors.length + 8 });
  for (const { text } of lines.slice(0, -1)) if (text !== '') stdout.write(`${text}\n`);
  return 0;
}
