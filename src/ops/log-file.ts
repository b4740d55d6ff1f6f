/**
 * The log as a file, which begins anew by size or by time (`pino-roll`) and of which so many old ones are kept. Lines that
 * come before it is open wait, a bounded number of them. They are written at once and not collected: of a process that
 * crashes the last lines are those that matter, and a gateway logs edges and not frames.
 *
 * A log that cannot be written never stops the gateway: the process is warned once, and what follows is tried again.
 */
import { createRequire } from 'node:module';
import { pino } from 'pino';

export interface LogRotation {
  /** What a file may take before the next one is begun. */
  readonly bytes?: number | undefined;
  readonly every?: 'hour' | 'day' | undefined;
  /** Old files that are kept beside the one that is written. */
  readonly keep: number;
}

export interface LogFileOptions {
  readonly file: string;
  /** Without it the file grows. With it a number is put before its extension: `sluice.log` is `sluice.1.log`. */
  readonly rotate?: LogRotation | undefined;
}

/** What is used of a SonicBoom, which both kinds of file are. */
interface Destination {
  write(line: string): unknown;
  end(): void;
  on(event: 'error' | 'close', listener: (error: Error) => void): unknown;
}

type Roll = (options: object) => Promise<Destination>;

/** It has no types. */
const roll = createRequire(import.meta.url)('pino-roll') as Roll;
const WAITING_MAX = 1_000;
const FREQUENCIES = { hour: 'hourly', day: 'daily' } as const;

export class LogFile {
  readonly #options: LogFileOptions;
  #waiting: string[] = [];
  #destination: Destination | undefined;
  #closed: Promise<void> | undefined;
  #warned = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** A line of pino's. */
  write(line: string): void {
    if (this.#destination) this.#destination.write(line);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(line);
  }

  /** Opens the file, and its folders where they are missing. Rejects with one line when it cannot be written. */
  async open(): Promise<void> {
    const { file, rotate } = this.#options;
    let destination: Destination;
    try {
      destination = rotate
        ? await roll({ file, mkdir: true, sync: true, ...rolling(rotate) })
        : pino.destination({ dest: file, mkdir: true, sync: true });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new Error(`log.file: expected a file that can be written, got ${file} (${code ?? cause})`, { cause });
    }
    destination.on('error', (error) => this.#warn(error));
    this.#closed = new Promise((resolve) => destination.on('close', () => resolve()));
    this.#destination = destination;
    for (const line of this.#waiting.splice(0)) destination.write(line);
  }

  /** Resolves when everything is written and the file is closed. */
  async close(): Promise<void> {
    const destination = this.#destination;
    this.#destination = undefined;
    destination?.end();
    await this.#closed;
  }

  #warn(error: Error): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(`the log ${this.#options.file} cannot be written: ${error.message}`, { code: 'SLUICE_LOG' });
  }
}

function rolling({ bytes, every, keep }: LogRotation): object {
  return {
    // With the one that is written, and with those of earlier runs.
    limit: { count: keep + 1, removeOtherLogFiles: true },
    ...(bytes === undefined ? {} : { size: `${bytes}b` }),
    ...(every === undefined ? {} : { frequency: FREQUENCIES[every] }),
  };
}
