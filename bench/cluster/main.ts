/**
 * What a key costs among several gateways: taking it over, how many of that a second, and when the one before knows; beside
 * the engine's own bare compare-and-swap on the same server in the same run. One NATS server, or three with `sync_interval: always`
 * as in production; without a NATS server the engine in memory alone. Clients and servers share this machine.
 *
 *     npm run -s bench -- cluster [SECONDS]          claims; the server: NATS_SERVER_BIN, or nats-server on the PATH
 *     npm run -s bench -- cluster losses             a node is lost, and each of three servers
 *     npm run -s bench -- cluster relay              frames to ten nodes
 *     npm run -s bench -- cluster records            a hundred thousand records
 */
import { cpus } from 'node:os';
import type { Engine } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { realClock } from '../../src/otp/clock.js';
import { BenchNode } from './bench-node.js';
import { frames } from './frames.js';
import { losses } from './losses.js';
import { manyRecords } from './many-records.js';
import * as figures from './samples.js';
import { type Servers, serverMissing, startServers } from './servers.js';

/** On three servers, but for frames, which no server stores. */
const PARTS: Readonly<Record<string, (servers: Servers) => Promise<readonly figures.Row[]>>> = {
  losses: (servers) => losses(servers, (node) => open(servers, node)),
  relay: frames,
  records: (servers) => manyRecords(servers, (node) => open(servers, node)),
};
const part = process.argv[3] ?? '';
const seconds = Number(PARTS[part] ? 4 : process.argv[3] || 4);
/** To be held on three servers that sync always. */
const CLAIM_P99_MS = 20;
const NOTICE_P99_MS = 20;
const CLAIMS_PER_SECOND = 5_000;
const SAMPLES = 500;
const IN_FLIGHT = 128;

interface Row {
  readonly engine: string;
  readonly what: string;
  readonly p50: string;
  readonly p99: string;
  readonly perSecond: number;
  /** Beside the bare engine, in time and in rate. */
  readonly '× bare': string;
  readonly held: string;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const rows: Row[] = [];
const missing = serverMissing();
if (missing !== undefined) console.log(missing);
if (PARTS[part]) {
  if (missing === undefined) {
    const servers = await startServers(part === 'relay' ? 1 : 3);
    console.table(await PARTS[part](servers));
    await servers.stop();
  }
} else await claims();

async function claims(): Promise<void> {
  const hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
  await measure('memory', async () => hub.connect());
  hub.close();
  if (missing === undefined) await claimsOnNats();
  console.table(rows);
}

async function claimsOnNats(): Promise<void> {
  for (const count of [1, 3] as const) {
    const servers = await startServers(count);
    await measure(count === 1 ? 'nats, 1 server' : 'nats, 3 servers, sync always', (node) => open(servers, node));
    await servers.stop();
  }
}

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
  const row = (what: string, ms: readonly number[], perSecond: number, limitMs = Number.NaN): void => {
    const p99 = figures.share(ms, 0.99);
    const slower = p99 / figures.share(bareMs, 0.99);
    const fewer = perSecond / bareRate;
    rows.push({
      engine,
      what,
      p50: figures.shown(figures.share(ms, 0.5)),
      p99: figures.shown(p99),
      perSecond: Math.round(perSecond),
      '× bare': `${slower.toFixed(2)}${Number.isNaN(fewer) ? '' : `, rate ${fewer.toFixed(2)}`}`,
      held: Number.isNaN(limitMs) ? '' : `${p99 <= limitMs ? 'yes' : 'NO'}, p99 <= ${limitMs}`,
    });
  };
  row('bare compare-and-swap', bareMs, bareRate);
  row('take-over', claimMs, claimRate, CLAIM_P99_MS);
  row('notice to the owner before', noticeMs, Number.NaN, NOTICE_P99_MS);
  if (claimRate < CLAIMS_PER_SECOND) console.log(`${engine}: fewer than ${CLAIMS_PER_SECOND} claims a second`);
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
