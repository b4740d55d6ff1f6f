/** A real terminal for a test: tmux runs the command in a window of so many columns and rows, and tells what stands in it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.js';

export const tmuxIsThere = spawnSync('tmux', ['-V']).status === 0;

export class Terminal {
  /** Of its tmux server, which is nobody else's. */
  readonly #socket: string;

  /** Runs `command`, a line of shell. Colours are as on anybody's terminal unless `env` says otherwise. */
  constructor(command: string, { columns, rows }: { readonly columns: number; readonly rows: number }) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-terminal-'));
    this.#socket = join(folder, 'tmux');
    onTestFinished(() => {
      spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
      rmSync(folder, { recursive: true, force: true });
    });
    const size = ['-x', String(columns), '-y', String(rows)];
    // A server of its own, which ends with its only session. When the command has ended, what it said can still be read.
    const kept = `${command}; echo "exit $?"; exec cat`;
    this.#tmux('new-session', '-d', ...size, `env -u CI -u CONTINUOUS_INTEGRATION -u NO_COLOR sh -c '${kept}'`);
  }

  /** What stands on the screen; with `styles` also the orders that colour it. */
  screen(styles = false): string {
    return this.#tmux('capture-pane', '-p', ...(styles ? ['-e'] : []));
  }

  get lines(): readonly string[] {
    return this.screen().split('\n');
  }

  /** Strikes keys, by tmux's names. */
  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Resolves with the screen when it shows this. */
  shows(what: string | RegExp): Promise<string> {
    const holds = (text: string): boolean => (typeof what === 'string' ? text.includes(what) : what.test(text));
    return eventually(`the terminal shows ${what}`, () => this.screen(), holds);
  }

  #tmux(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
    });
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}
