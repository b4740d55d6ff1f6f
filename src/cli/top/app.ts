/**
 * `sluice top` on a terminal, by ink: lines are drawn, keys are read, and the terminal is given back as it was. Loaded only
 * when it is wanted: ink and react are optional peers.
 */
import type { Key as InkKey } from 'ink';
import type { ReactNode } from 'react';
import { plain } from '../terminal-text.js';
import type { Line } from './line.js';
import type { Key } from './screen.js';
import type { TopSession } from './session.js';

type Ink = typeof import('ink');
type React = typeof import('react');

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly colour: boolean;
}

/** The screen that was there before comes back when it is left. */
const ENTER = '\u001b[?1049h\u001b[2J\u001b[H';
const LEAVE = '\u001b[?1049l';
const CLEAR = '\u001b[2J\u001b[H';

/** Undefined where a package is not installed. */
export async function loadInk(): Promise<readonly [Ink, React] | undefined> {
  try {
    return [await import('ink'), await import('react')];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && /'(?:ink|react)'/.test(message))
      return undefined;
    throw error;
  }
}

/** Resolves when it has been quit. */
export async function showTop(
  [ink, react]: readonly [Ink, React],
  session: TopSession,
  terminal: Terminal,
): Promise<void> {
  const { stdin, stdout, colour } = terminal;
  const { createElement: h, useSyncExternalStore } = react;

  const lineOf = ({ text, tone }: Line, at: number): ReactNode =>
    h(ink.Text, { key: at, wrap: 'truncate-end', ...(colour ? LOOKS[tone ?? 'plain'] : {}) }, text === '' ? ' ' : text);

  const Top = (): ReactNode => {
    const { lines } = useSyncExternalStore(session.listen, () => session.drawing);
    ink.useInput((text, key) => {
      const name = NAMES.find(([held]) => key[held])?.[1];
      if (key.ctrl) {
        if (text === 'c') session.quit();
      } else if (name) session.key({ text: '', name });
      // Several keys that were struck at once come as one text.
      else for (const one of text) session.key(keyOf(one));
    });
    return h(ink.Box, { flexDirection: 'column' }, ...lines.map(lineOf));
  };

  const resized = (): void => {
    stdout.write(CLEAR);
    session.redraw();
  };
  stdout.write(ENTER);
  const app = ink.render(h(Top), { stdin, stdout, exitOnCtrlC: false, patchConsole: false });
  stdout.on('resize', resized);
  session.start();
  try {
    await session.over;
  } finally {
    stdout.off('resize', resized);
    app.unmount();
    await app.waitUntilExit();
    stdout.write(LEAVE);
  }
}

/** What has no name and cannot be seen is no key of ours. */
function keyOf(text: string): Key {
  if (text === '\r' || text === '\n') return { text: '', name: 'enter' };
  if (text === '\u007f' || text === '\b') return { text: '', name: 'backspace' };
  return { text: plain(text) === text ? text : '' };
}

const NAMES = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['pageUp', 'pageUp'],
  ['pageDown', 'pageDown'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  // What many terminals send for the key above Enter.
  ['delete', 'backspace'],
] as const satisfies readonly (readonly [keyof InkKey, Key['name']])[];

const LOOKS = {
  title: { bold: true },
  heading: { inverse: true },
  warning: { color: 'red', bold: true },
  chosen: { color: 'cyan', bold: true },
  quiet: { dimColor: true },
  plain: {},
} as const;
