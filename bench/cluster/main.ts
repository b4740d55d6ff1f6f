/**
 * What a key costs among several gateways: taking it over, how many of that a second, and when the one before knows; beside
 * the engine's own bare compare-and-swap on the same server in the same run. One NATS server, or three with `sync_interval: always`
 * as in production; without a NATS server the engine in memory alone. Clients and servers share this machine.
 *
 *     npm run -s bench -- cluster [SECONDS]          the server: NATS_SERVER_BIN, or nats-server on the PATH
 */
import { cpus } from 'node:os';
import type { Engine } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { realClock } from '../../src/otp/clock.js';
import { BenchNode } from './bench-node.js';
import { type Servers, serverMissing, startServers } from './servers.js';

const seconds = Number(process.argv[3] ?? 4);
const SAMPLES = 500;
const IN_FLIGHT = 128;

interface Row {
  readonly engine: string;
  readonly what: string;
  readonly p50: string;
  readonly p99: string;
  readonly perSecond: number;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const rows: Row[] = [];
const hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
await measure('memory', async () => hub.connect());
hub.close();
const missing = serverMissing();
if (missing !== undefined) console.log(missing);
else {
  for (const count of [1, 3] as const) {
    const servers = await startServers(count);
    await measure(count === 1 ? 'nats, 1 server' : 'nats, 3 servers, sync always', (node) => open(servers, node));
    await servers.stop();
  }
}
console.table(rows);

async function open(servers: Servers, node: string): Promise<Engine> {
  const options = { prefix: 'bench', storage: 'file' as const, eraBump: 0, ttlMs: 12_000, answerMs: 5_000 };
  for (let tries = 0; ; tries += 1) {
    try {
      return await openNatsEngine({
        ...options,
        servers: servers.urls,
        replicas: servers.urls.length === 3 ? 3 : 1,
        node,
      });
    } catch (error) {
      // The three have not agreed on a leader yet.
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

async function measure(engine: string, connect: (node: string) => Promise<Engine>): Promise<void> {
  const [a, b] = [new BenchNode('a', await connect('a')), new BenchNode('b', await connect('b'))];
  await Promise.all([a.up(), b.up()]);
  await takeOvers(a, b, 50);
  const { claimMs, noticeMs } = await takeOvers(a, b, SAMPLES);
  const bareMs = await bare(a.node.engine, SAMPLES);
  const bareRate = await rate((n) => cas(a.node.engine, `bare-${n % 1_000}-${n}`, 0).then(() => {}));
  const claimRate = await rate(async (n) => void (await (n % 2 === 0 ? a : b).claim(`session.rate-${n % 1_000}`)));
  const row = (what: string, ms: readonly number[], perSecond: number): void => {
    const at = (share: number): string =>
      ([...ms].sort((x, y) => x - y)[Math.floor(ms.length * share)] ?? Number.NaN).toFixed(2);
    rows.push({ engine, what, p50: at(0.5), p99: at(0.99), perSecond: Math.round(perSecond) });
  };
  row('bare compare-and-swap', bareMs, bareRate);
  row('take-over', claimMs, claimRate);
  row('notice to the owner before', noticeMs, Number.NaN);
  await Promise.all([a.close(), b.close()]);
}

/** One key goes to and fro; the one before knows it when its signal is aborted. */
async function takeOvers(
  a: BenchNode,
  b: BenchNode,
  count: number,
): Promise<{ claimMs: number[]; noticeMs: number[] }> {
  const claimMs: number[] = [];
  const noticeMs: number[] = [];
  let before = await a.claim('session.to-and-fro');
  for (let n = 0; n < count; n += 1) {
    const beganMs = performance.now();
    const lost = new Promise<void>((resolve) =>
      before.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const noticed = lost.then(() => performance.now() - beganMs);
    before = await (n % 2 === 0 ? b : a).claim('session.to-and-fro');
    claimMs.push(performance.now() - beganMs);
    noticeMs.push(await noticed);
  }
  return { claimMs, noticeMs };
}

async function bare(engine: Engine, count: number): Promise<number[]> {
  const ms: number[] = [];
  let rev = 0;
  for (let n = 0; n < count; n += 1) {
    const beganMs = performance.now();
    rev = await cas(engine, 'bare', rev);
    ms.push(performance.now() - beganMs);
  }
  return ms;
}

function cas(engine: Engine, key: string, rev: number): Promise<number> {
  return new Promise((resolve, reject) =>
    engine.cas('own', key, '{}', rev, (answer) =>
      answer.type === 'written' ? resolve(answer.rev) : reject(new Error(`${key}: ${answer.type}`)),
    ),
  );
}

/** So many a second with 128 under way. */
async function rate(act: (n: number) => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - beganMs < seconds * 1_000) {
      next += 1;
      await act(next);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return (done * 1_000) / (performance.now() - beganMs);
}
