/** Processes of a benchmark that answer each other: what is measured and who measures it must not share a process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

type Operations = Readonly<Record<string, (argument: never) => unknown>>;

/** In the child: answers what the parent asks, and ends with it. */
export function answer(operations: Operations): void {
  process.on('message', async ({ id, name, argument }: { id: number; name: string; argument: never }) => {
    process.send?.({ id, result: await operations[name]?.(argument) });
  });
  process.on('disconnect', () => process.exit());
}

/** A child process that answers. `Asks` maps each question to what comes back. */
export class Peer<Asks> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: never) => void>();
  #id = 0;

  constructor(script: URL, args: readonly string[] = []) {
    this.#child = fork(script, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', ({ id, result }: { id: number; result: never }) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  ask<Name extends keyof Asks & string>(name: Name, argument?: unknown): Promise<Asks[Name]> {
    return new Promise((resolve) => {
      this.#waiting.set(++this.#id, resolve as (result: never) => void);
      this.#child.send({ id: this.#id, name, argument });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Calls `tick` so many times a second, on a schedule. What comes late is caught up, once per turn. @returns its end. */
export function paced(perSecond: number, tick: () => void): () => void {
  const beganMs = performance.now();
  let ticks = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const next = (): void => {
    if (stopped) return;
    ticks += 1;
    tick();
    const dueInMs = beganMs + (ticks * 1000) / perSecond - performance.now();
    if (dueInMs <= 0) setImmediate(next);
    else timer = setTimeout(next, dueInMs);
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** CPU time of this process and wall time, from the call to each call of what it returns. */
export function meter(): () => { readonly cpuUs: number; readonly wallMs: number } {
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { cpuUs: user + system, wallMs: performance.now() - beganMs };
  };
}
