/** The camera server of `grpc-camera.mjs` as a test sees it: faults to order, and what it has counted to wait for. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What the server has seen; all since its start but `live` and `connections`. */
export interface Seen {
  readonly calls: number;
  readonly live: number;
  /** The most that one camera had at once. */
  readonly mostLive: number;
  /** Calls that the client ended, and that the server ended. */
  readonly cancelled: number;
  readonly ended: number;
  readonly connections: number;
  readonly accepted: number;
  readonly tokens: readonly string[];
}

/** `UNAVAILABLE` and the other names of gRPC; `mute`, `end`, `endLater`, `one`, `reset`, `garbage`. */
export type Fault = string;

const SCRIPT = fileURLToPath(new URL('./grpc-camera.mjs', import.meta.url));

export class GrpcCamera {
  readonly target: string;
  readonly #child: ChildProcess;
  #seen: Seen;
  #number = 0;
  #waiting: (() => void)[] = [];
  #done = 0;

  private constructor(child: ChildProcess, target: string) {
    this.#child = child;
    this.target = target;
    this.#seen = { calls: 0, live: 0, mostLive: 0, cancelled: 0, ended: 0, connections: 0, accepted: 0, tokens: [] };
    child.on('message', ({ done, ...seen }: Seen & { done?: number }) => {
      this.#seen = seen;
      this.#done = done ?? this.#done;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const look of waiting) look();
    });
  }

  /** @param port 0: any. */
  static async start(port = 0): Promise<GrpcCamera> {
    const child = fork(SCRIPT, [String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    onTestFinished(async () => {
      const gone = once(child, 'exit');
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
    });
    const [listening] = (await once(child, 'message')) as [{ port: number }];
    return new GrpcCamera(child, `127.0.0.1:${listening.port}`);
  }

  url(camera = 'front', token = ''): string {
    return `grpc://${token === '' ? '' : `:${token}@`}${this.target}/${camera}`;
  }

  get seen(): Seen {
    return this.#seen;
  }

  /** The next `times` calls are answered so. Resolves when the server knows. */
  async fault(kind: Fault, times = 1): Promise<void> {
    await this.order({ fault: { kind, times } });
  }

  async order(what: { fault?: object; everyMs?: number; dark?: boolean; reset?: boolean }): Promise<Seen> {
    this.#number += 1;
    const number = this.#number;
    this.#child.send({ ...what, number });
    await this.#until(() => this.#done >= number);
    return this.#seen;
  }

  /** Resolves when what it has seen holds. */
  async sees(holds: (seen: Seen) => boolean): Promise<Seen> {
    await this.#until(() => holds(this.#seen));
    return this.#seen;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
