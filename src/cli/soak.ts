/**
 * `sluice soak`: a real gateway in this process and real gRPC clients that come, watch, die and come back, for as long as one
 * likes; at the end nothing of any of them may be left. What is left is measured twice with nobody there, after a warm-up and
 * at the end: what a gateway always has (its own actors, a bounded memory of the dead) is there both times.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { createGateway, type SluiceGateway } from '../create-gateway.js';
import { type Host, visit, WAYS } from './soak-visit.js';

export interface SoakOptions {
  readonly minutes: number;
  /** Clients at a time. */
  readonly clients: number;
  /** Ends the soak early; that is no fault. */
  readonly signal: AbortSignal;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const CAMERA = 'soak';
const PROGRESS_MS = 10_000;
const FIRST_PROGRESS_MS = 2_000;
/** Who is lost is waited for so long. */
const GRACE_MS = 500;
/** A tenth of the soak, and no longer than this. */
const WARM_UP_MS_MAX = 60_000;
/** How long it may take until nobody is there any more. */
const QUIET_MS = 30_000;
const LOOK_MS = 100;
/** So many looks in a row that nothing changes: the camera has let go of its source, and sockets have had their last turn. */
const STILL_LOOKS = 10;
/** What a heap may grow by without being a leak: the noise of a collector, and code compiled late. */
const GROWN_BYTES_MAX = 8 * 1024 * 1024;
const FAULTS_SHOWN = 10;

/** Resolves with the exit code: 0 when nothing is left and every visit went well, 1 otherwise. */
export async function runSoak(options: SoakOptions): Promise<number> {
  const gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    session: { graceMs: GRACE_MS },
    cameras: [{ id: CAMERA, source: 'clip:', lingerMs: 0 }],
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  const soak = new Soak(gateway, options);
  const leaks = await soak.run();
  await gateway.stop();
  for (const [kind, count] of Object.entries(gateway.census())) leaks.push(`after the stop: ${count} ${kind}`);
  return soak.report(leaks);
}

/** What is there when nobody is. */
interface Quiet {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly counts: Readonly<Record<string, number>>;
}

class Soak {
  readonly #gateway: SluiceGateway;
  readonly #options: SoakOptions;
  readonly #host: Host;
  readonly #beganMs = performance.now();
  readonly #faults: string[] = [];
  #visits = 0;
  #heaps: readonly [Quiet, Quiet] | undefined;

  constructor(gateway: SluiceGateway, options: SoakOptions) {
    this.#gateway = gateway;
    this.#options = options;
    this.#host = {
      address: gateway.addresses.grpc as string,
      camera: CAMERA,
      kill: (nodeId) => gateway.sessions.get(nodeId)?.process.terminate('killed'),
    };
  }

  /** @returns what is left with nobody there that was not there after the warm-up. */
  async run(): Promise<string[]> {
    const { minutes, stdout } = this.#options;
    const wholeMs = minutes * 60_000;
    const warmMs = Math.min(wholeMs / 10, WARM_UP_MS_MAX);
    const first = setTimeout(() => stdout.write(this.#line()), FIRST_PROGRESS_MS);
    const progress = setInterval(() => stdout.write(this.#line()), PROGRESS_MS);
    try {
      await this.#crowd(warmMs);
      const before = await this.#quiet();
      await this.#crowd(wholeMs - warmMs);
      const after = await this.#quiet(before);
      this.#heaps = [before, after];
      return differences(before, after);
    } finally {
      clearTimeout(first);
      clearInterval(progress);
    }
  }

  report(leaks: readonly string[]): number {
    const { stdout, stderr } = this.#options;
    const [before, after] = this.#heaps as readonly [Quiet, Quiet];
    const heap = `heap ${mib(before.heapBytes)} after the warm-up, ${mib(after.heapBytes)} at the end; rss ${mib(after.rssBytes)}`;
    stdout.write(`${this.#visits} visits in ${this.#elapsed()}, ${this.#faults.length} failed; ${heap}\n`);
    for (const fault of this.#faults.slice(0, FAULTS_SHOWN)) stderr.write(`sluice soak: failed: ${fault}\n`);
    for (const leak of leaks) stderr.write(`sluice soak: left: ${leak}\n`);
    stdout.write(leaks.length === 0 ? 'nothing is left: census zero\n' : `${leaks.length} kinds of things are left\n`);
    return leaks.length === 0 && this.#faults.length === 0 ? 0 : 1;
  }

  /** So many clients at a time, each after the other, for so long. */
  async #crowd(forMs: number): Promise<void> {
    const untilMs = performance.now() + forMs;
    const one = async (): Promise<void> => {
      while (performance.now() < untilMs && !this.#options.signal.aborted) {
        this.#visits += 1;
        const way = WAYS[this.#visits % WAYS.length] as (typeof WAYS)[number];
        await visit(this.#host, `soak-${this.#visits}`, way).catch((error: unknown) =>
          this.#faults.push(`${way}: ${error instanceof Error ? error.message : String(error)}`),
        );
      }
    };
    await Promise.all(Array.from({ length: this.#options.clients }, one));
  }

  /** Waits until everybody has gone, and nobody more is there than `before`; counts who is there then. */
  async #quiet(before?: Quiet): Promise<Quiet> {
    const untilMs = performance.now() + QUIET_MS;
    let still = 0;
    for (let last = ''; still < STILL_LOOKS && performance.now() < untilMs; await wait(LOOK_MS)) {
      const counts = this.#counts();
      const now = JSON.stringify(counts);
      const gone = counts.sessions + counts.streams + counts.viewers === 0;
      still = gone && (before ? more(before.counts, counts).length === 0 : now === last) ? still + 1 : 0;
      last = now;
    }
    for (let round = 0; round < 3; round += 1) {
      collect();
      await wait(LOOK_MS);
    }
    const { heapUsed: heapBytes, rss: rssBytes } = process.memoryUsage();
    return { heapBytes, rssBytes, counts: this.#counts() };
  }

  #counts() {
    const { actors, clients, client_streams, streams, sessions, viewers, ...rest } = this.#gateway.resources();
    const { services, topics, calls, workers, monitors, timers, orphans } = rest;
    const words = { services, topics, calls, workers, monitors, timers, orphans };
    return { actors: actors.total, clients, client_streams, streams, sessions, viewers, ...words };
  }

  #line(): string {
    const { sessions, streams, viewers, orphans, memory } = this.#gateway.resources();
    const perSecond = (this.#visits * 1_000) / (performance.now() - this.#beganMs);
    const here = `${sessions} sessions, ${streams} streams, ${viewers} viewers, ${orphans} orphans`;
    return `${this.#elapsed()}  ${this.#visits} visits, ${perSecond.toFixed(0)}/s, ${this.#faults.length} failed; ${here}; heap ${mib(memory.heapUsed)}\n`;
  }

  #elapsed(): string {
    const seconds = Math.round((performance.now() - this.#beganMs) / 1_000);
    return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  }
}

function differences(before: Quiet, after: Quiet): string[] {
  const leaks = more(before.counts, after.counts);
  const grown = after.heapBytes - before.heapBytes;
  return grown > GROWN_BYTES_MAX ? [...leaks, `${mib(grown)} of heap`] : leaks;
}

function more(before: Quiet['counts'], after: Quiet['counts']): string[] {
  return Object.entries(after)
    .filter(([kind, count]) => count > (before[kind] ?? 0) || (kind === 'orphans' && count > 0))
    .map(([kind, count]) => `${count} ${kind}, ${before[kind]} after the warm-up`);
}

const mib = (bytes: number): string => `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
