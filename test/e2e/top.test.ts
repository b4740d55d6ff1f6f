/** `sluice top` in a real terminal, with real keys, before a gateway in a process of its own. */
import { beforeEach, describe, expect, it } from 'vitest';
import { COMMAND, type GatewayProcess, serve } from './gateway-process.js';
import { Terminal, tmuxIsThere } from './terminal.js';

const { CI } = process.env;
if (!tmuxIsThere && CI) throw new Error('tmux is not installed; under CI its tests may not be skipped');

const CAMERA = 'sluice/cameras/camera:demo';
const SMALL = { columns: 80, rows: 24 };
const LARGE = { columns: 200, rows: 50 };

let gateway: GatewayProcess;

function top(args: string, size: { readonly columns: number; readonly rows: number }): Terminal {
  return new Terminal(`"${process.execPath}" "${COMMAND}" top ${args} --interval 0.25`, size);
}

describe.skipIf(!tmuxIsThere)('sluice top in a terminal (needs: tmux)', () => {
  beforeEach(async () => {
    gateway = await serve('--demo');
  });

  it.each([
    ['80×24', SMALL],
    ['200×50', LARGE],
  ])('fills a terminal of %s and nothing beyond: figures, the list, and what the keys are', async (_, size) => {
    const terminal = top(gateway.http, size);
    await terminal.shows('camera:demo');
    const { lines } = terminal;
    expect(lines[0]).toMatch(/^sluice 127\.0\.0\.1:\d+ {2}up \d+s {2}actors \d+ {2}clients 0\/10000 {2}streams 0$/);
    expect(lines[1]).toMatch(/^msgs\/s \S+ {2}drops\/s \S+ {2}restarts\/min \S+ {2}reconnects\/min \S+$/);
    expect(lines[2]).toMatch(/^heap \d+ MiB {2}rss \d+ MiB {2}loop \d+ % p99 \S+/);
    expect(lines[3]).toBe('[actors by memory]  every 0.25 s');
    expect(lines[4]).toMatch(/^ {2}ID +KIND +STATE +QUEUE +RST +AGE +MEM +HOLDS +EVENT$/);
    expect(lines[size.rows - 2]).toBe('? help  m q r a sort  t tree  c clients  s streams  e events  / filter  Q quit');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(size.columns);
    terminal.press('Q');
    await terminal.shows('exit 0');
  });

  it('E-b sorts, shows other lists, pauses and changes its pace by keys; Q gives the terminal back', async () => {
    const terminal = top(gateway.http, SMALL);
    await terminal.shows('[actors by memory]');
    for (const [key, shown] of [
      ['q', '[actors by queue]'],
      ['r', '[actors by restarts]'],
      ['a', '[actors by age]'],
      ['t', '[tree]'],
      ['c', '[clients]'],
      ['s', '[streams]'],
      ['e', '[events]'],
      ['m', '[actors by memory]'],
    ] as const) {
      terminal.press(key);
      await terminal.shows(shown);
    }
    terminal.press('+');
    await terminal.shows('every 0.5 s');
    terminal.press('-');
    await terminal.shows('every 0.25 s');
    terminal.press('p');
    await terminal.shows('paused');
    terminal.press('p');
    await terminal.shows('every 0.25 s');
    terminal.press('?');
    await terminal.shows('q sorts by queue');
    terminal.press('Q');
    expect(await terminal.shows('exit 0')).not.toContain('actors');
  });

  it('E-b draws the tree with what is below indented, and lists events', async () => {
    const terminal = top(gateway.http, SMALL);
    await terminal.shows('camera:demo');
    terminal.press('t');
    await terminal.shows(/^ {4}cameras +one_for_one +1 .*\n {6}camera:demo +alive\.idle/m);
    terminal.press('e');
    await terminal.shows(/process\.started +cameras\/camera:demo/);
  });

  it('E-b filters, goes into an actor, asks before it stops it, and then says why it ended', async () => {
    const token = new URL(gateway.page).hash.slice('#token='.length);
    const terminal = top(`${gateway.http} --token ${token}`, SMALL);
    await terminal.shows('camera:demo');
    terminal.press('/', ...'camera:'.split(''), 'Enter');
    await terminal.shows('only "camera:"');
    await terminal.shows(/HOLDS EVENT\n> cameras\/camera:demo .*\n\n/);
    terminal.press('Enter');
    await terminal.shows(/^sluice\/cameras\/camera:demo\nkind camera {2}state alive\.idle$/m);
    terminal.press('k');
    await terminal.shows(`stop ${CAMERA}? It cannot be undone. y/n`);
    terminal.press('n');
    await terminal.shows('not stopped');
    terminal.press('k', 'y');
    await terminal.shows(/Why it ended: sluice\/cameras\/camera:demo ended at/);
    const { actors } = await gateway.json<{ actors: { id: string; restarts: number }[] }>('/api/actors');
    expect(actors.find(({ id }) => id === CAMERA)?.restarts ?? 1).toBe(1);
  });

  it('asks for a token before it stops anything', async () => {
    const terminal = top(gateway.http, SMALL);
    await terminal.shows('camera:demo');
    terminal.press('k');
    await terminal.shows('stopping needs a token: --token, or SLUICE_TOKEN');
  });

  it('stays whole when the terminal changes its size', async () => {
    const terminal = top(gateway.http, LARGE);
    await terminal.shows('camera:demo');
    for (const [columns, rows] of [
      [80, 24],
      [40, 12],
      [120, 40],
    ] as const) {
      terminal.resize(columns, rows);
      const whole = `^sluice .*\\n.*\\n.*\\n\\[actors by memory\\].*\\n(?:.*\\n){${rows - 6}}\\? help`;
      const screen = await terminal.shows(new RegExp(whole));
      expect(screen.match(/\[actors by memory\]/g)).toHaveLength(1);
    }
  });

  it('is coloured on a terminal, and not with NO_COLOR', async () => {
    const coloured = top(gateway.http, SMALL);
    await coloured.shows('camera:demo');
    expect(coloured.screen(true)).toContain('\u001b[');
    const plain = new Terminal(`NO_COLOR=1 "${process.execPath}" "${COMMAND}" top ${gateway.http}`, SMALL);
    await plain.shows('camera:demo');
    expect(plain.screen(true)).not.toContain('\u001b[');
  });

  it('says that the gateway has gone, and goes on when it is there again', async () => {
    const terminal = top(gateway.http, SMALL);
    await terminal.shows('camera:demo');
    await gateway.stop();
    await terminal.shows('no new figures: cannot reach the gateway');
    const { port } = new URL(gateway.http);
    const again = await serve('--demo', '--http', `127.0.0.1:${port}`);
    await terminal.shows('? help');
    await again.stop();
  });

  it('says in one line that nobody is there, and takes no screen', async () => {
    const terminal = top('http://127.0.0.1:1', SMALL);
    expect(await terminal.shows('exit 1')).toMatch(
      /^sluice top: cannot reach the gateway at http:\/\/127\.0\.0\.1:1: ECONNREFUSED\nexit 1/,
    );
  });
});
