/**
 * Processes of a test: what they print is kept, their end is awaited, and none of them outlives its test. Each leads a
 * process group of its own, so that a child it left behind can be told from everything else on the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { DEADLINE_MS, eventually, within } from './eventually.js';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class TestProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[], options: { readonly cwd?: string } = {}) {
    const { cwd } = options;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...(cwd ? { cwd } : {}) });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      // `close` and not `exit`: only then has everything that it printed been read.
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    onTestFinished(() => this.#remove());
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its end, which has to come by itself. */
  end(deadlineMs = DEADLINE_MS): Promise<Ended> {
    return within(`the end of ${this.#child.spawnargs.join(' ')}`, this.ended, deadlineMs);
  }

  /** True while any process of its group is there, itself or a child of a child. */
  get groupAlive(): boolean {
    try {
      process.kill(-this.pid, 0);
      return true;
    } catch {
      // ESRCH: there is none left.
      return false;
    }
  }

  /** Resolves when this pattern stands in what it printed; an end before that is an error that shows the output. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const look = (): RegExpExecArray | null => pattern.exec(this.stdout);
    await eventually(
      `${pattern} on stdout of ${this.#child.spawnargs.join(' ')}`,
      () => ({ found: look() !== null, running: this.running, stdout: this.stdout, stderr: this.stderr }),
      ({ found, running }) => found || !running,
    );
    const found = look();
    if (found) return found;
    throw new Error(`ended before it printed ${pattern}:\n${this.stdout}${this.stderr}`);
  }

  async #remove(): Promise<void> {
    if (this.groupAlive) process.kill(-this.pid, 'SIGKILL');
    await this.ended;
  }
}
