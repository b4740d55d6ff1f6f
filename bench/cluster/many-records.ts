/**
 * A hundred thousand records: how long a node that comes knows them all, what it takes to hold them, how soon a tenth of them is taken
 * from one who is lost, and the size of a server.
 */
import { readFileSync } from 'node:fs';
import type { Engine } from '../../src/cluster/engine.js';
import { writeRecord } from '../../src/cluster/record.js';
import { BenchNode } from './bench-node.js';
import { type Row, row } from './samples.js';
import type { Servers } from './servers.js';

const RECORDS = 100_000;
const TAKEN = 10_000;
const IN_FLIGHT = 128;
const MIB = 1024 * 1024;

export async function manyRecords(servers: Servers, open: (node: string) => Promise<Engine>): Promise<Row[]> {
  const filler = await open('filler');
  let next = 0;
  const beganMs = performance.now();
  const fill = async (): Promise<void> => {
    while (next < RECORDS) {
      next += 1;
      const lost = next <= TAKEN;
      const record = { node: lost ? 'lost' : 'other', inc: 1, claim: `x/${next}`, ord: 1 };
      await written(filler, `session.user-${next}`, writeRecord(record));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, fill));
  console.error(`${RECORDS} records written in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`);
  await filler.close();

  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const syncMs = performance.now();
  const node = new BenchNode('late', await open('late'));
  await node.up();
  while (node.node.known < RECORDS) await new Promise((resolve) => setTimeout(resolve, 5));
  const syncedMs = performance.now() - syncMs;
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - before;

  const takeMs = performance.now();
  const oneMs: number[] = [];
  let taken = 0;
  const take = async (): Promise<void> => {
    while (taken < TAKEN) {
      taken += 1;
      const sinceMs = performance.now();
      await node.claim(`session.user-${taken}`);
      oneMs.push(performance.now() - sinceMs);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, take));
  const tookMs = performance.now() - takeMs;
  await node.close();
  console.log(
    `${RECORDS} records: ${(heapBytes / RECORDS).toFixed(0)} bytes each in a node, servers ${servers.pids.map((pid) => `${(rssBytes(pid) / MIB).toFixed(0)} MiB`).join(', ')} (<= 200)`,
  );
  return [
    row(`a new node knows ${RECORDS} records, ms`, [syncedMs], 3_000),
    row(`${TAKEN} taken from one who is lost, ms`, [tookMs], 3_000),
    row(`one of these ${TAKEN}`, oneMs, 100),
  ];
}

function written(engine: Engine, key: string, value: string): Promise<void> {
  return new Promise((resolve, reject) =>
    engine.cas('own', key, value, 0, ({ type }) =>
      type === 'written' ? resolve() : reject(new Error(`${key}: ${type}`)),
    ),
  );
}

/** Of another process; NaN where there is no /proc. */
function rssBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    // Not Linux.
    return Number.NaN;
  }
}
