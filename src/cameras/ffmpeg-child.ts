/**
 * A program as a child that cannot be left behind. It is started without a shell and without a standard input, its output is
 * always read (who is not read blocks in a write, and then ignores SIGTERM), and it ends by SIGTERM, after two seconds by SIGKILL.
 *
 * When the gateway itself is killed nothing of this can run any more. So on Linux the kernel is asked beforehand to kill the child
 * with its parent (`setpriv --pdeathsig`, of util-linux). Waiting for the broken pipe would not do: a child whose camera is frozen
 * writes nothing. Where `setpriv` is missing the broken pipe, and ffmpeg's own limit on silence, have to do.
 *
 * It leads a process group of its own: a Ctrl-C in the terminal is the gateway's to answer, in order, and what a wrapper script
 * has started ends with it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Clock } from '../otp/clock.js';

/** How long it may take to end when asked, before it is killed. */
const TERM_MS = 2_000;
const PROBE_MS = 2_000;
/** What `setpriv` ends with when there is no such program. */
const NOT_FOUND = 127;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It was never started: why. */
  readonly fault?: Error;
  /** There is no such program. */
  readonly missing: boolean;
}

export interface ChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly onOutput: (chunk: Buffer) => void;
  readonly onText: (text: string) => void;
}

export class FfmpegChild {
  /** Resolves when it has ended and everything that it wrote was read. Never rejects. */
  readonly gone: Promise<ChildEnd>;
  readonly #clock: Clock;
  readonly #child: ChildProcess | undefined;
  #ended = false;

  /** `lifeline` is what `lifeline()` has answered. */
  constructor({ program, args, clock, onOutput, onText }: ChildOptions, lifeline: readonly string[]) {
    this.#clock = clock;
    const [command, ...rest] = [...lifeline, program, ...args] as [string, ...string[]];
    let wrote = false;
    try {
      this.#child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, windowsHide: true });
    } catch (error) {
      // The system refused another process.
      this.gone = Promise.resolve({ code: null, signal: null, fault: error as Error, missing: false });
      return;
    }
    const child = this.#child;
    child.stdout?.on('data', (chunk: Buffer) => {
      wrote = true;
      onOutput(chunk);
    });
    child.stderr?.setEncoding('utf8').on('data', onText);
    for (const stream of [child.stdout, child.stderr]) stream?.on('error', () => {}); // its end says the same
    this.gone = new Promise<ChildEnd>((resolve) => {
      child.on('error', (error: NodeJS.ErrnoException) => {
        // A signal that could not be sent is reported here too; the child is there then, and its end comes.
        if (child.pid !== undefined) return;
        resolve({ code: null, signal: null, fault: error, missing: error.code === 'ENOENT' });
      });
      child.once('close', (code, signal) =>
        resolve({ code, signal, missing: code === NOT_FOUND && lifeline.length > 0 && !wrote }),
      );
    });
    void this.gone.then(() => {
      this.#ended = true;
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Asks it to end, then makes it. Resolves when it is gone; idempotent. */
  async end(): Promise<void> {
    this.#signal('SIGTERM');
    const kill = this.#clock.setTimeout(() => this.#signal('SIGKILL'), TERM_MS);
    await this.gone;
    this.#clock.clearTimeout(kill);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#ended || this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Gone in this very moment; its end is on the way.
    }
  }
}

let known: Promise<readonly string[]> | undefined;

/** What is put before a command so that it dies with this process; nothing where there is no such thing. Asked for once. */
export function lifeline(): Promise<readonly string[]> {
  known ??= new Promise((resolve) => {
    if (process.platform !== 'linux') resolve([]);
    else {
      execFile('setpriv', ['--pdeathsig', 'KILL', '--', 'true'], { timeout: PROBE_MS }, (error) =>
        resolve(error ? [] : ['setpriv', '--pdeathsig', 'KILL', '--']),
      );
    }
  });
  return known;
}
