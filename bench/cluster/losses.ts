/**
 * Times that pass while somebody is lost, as the protocol's own clocks see them: the hint that a node is silent, the end of its lease, the
 * fence of one that the engine does not answer any more before that, and the leader of three servers replaced.
 */
import type { Engine } from '../../src/cluster/engine.js';
import { BenchNode } from './bench-node.js';
import { type Row, row, shown } from './samples.js';
import type { Servers } from './servers.js';

const SILENT_MS = 3_000;
const LEASE_OVER_MS = 13_500;
const RESUMED_MS = 10_000;

export async function losses(servers: Servers, open: (node: string) => Promise<Engine>): Promise<Row[]> {
  const deaf = new DeafEngine(await open('deaf'));
  const [a, b] = [new BenchNode('a', await open('a')), new BenchNode('deaf', deaf.engine)];
  await Promise.all([a.up(), b.up()]);
  while (a.node.members().length < 2) await later(10);
  const lostMs = performance.now();
  deaf.cut();
  const noteOf = async (of: BenchNode, type: string): Promise<number> => {
    while (!of.notes.has(type)) await later(5);
    return of.notes.get(type) as number;
  };
  const silentMs = (await noteOf(a, 'cluster.nodeSilent')) - lostMs;
  const fencedMs = (await noteOf(b, 'cluster.fenced')) - lostMs;
  const goneMs = (await noteOf(a, 'cluster.nodeGone')) - lostMs;
  await b.close();
  const rows = [
    row('DOWN noconnection, ms', [silentMs], SILENT_MS),
    row('its lease is over, ms', [goneMs], LEASE_OVER_MS),
    {
      what: 'fenced before its lease was over, ms',
      p50: shown(goneMs - fencedMs),
      p99: '',
      '× bare': '',
      held: `${goneMs - fencedMs >= 500 ? 'yes' : 'NO'}, >= 500`,
    },
  ];
  if (servers.urls.length === 3) {
    let longestMs = 0;
    for (let at = 0; at < 3; at += 1) {
      servers.kill(at);
      // Whichever of them led: one of the three losses is the leader's.
      for (const endMs = performance.now() + 11_000; performance.now() < endMs; ) {
        const beganMs = performance.now();
        await a.claim('session.lost-leader');
        longestMs = Math.max(longestMs, performance.now() - beganMs);
        await later(20);
      }
      await servers.again(at);
      await later(4_000);
    }
    rows.push(row('claims resumed after a server was killed, the longest of three, ms', [longestMs], RESUMED_MS));
    const fenced = a.notes.has('cluster.fenced');
    rows.push({
      what: 'fenced by that',
      p50: fenced ? 'yes' : 'no',
      p99: '',
      '× bare': '',
      held: fenced ? 'NO' : 'yes',
    });
  }
  await a.close();
  return rows;
}

/** An engine that nothing passes any more, in either direction, from `cut` on. */
class DeafEngine {
  readonly engine: Engine;
  #cut = false;

  constructor(inner: Engine) {
    const through =
      <A extends readonly unknown[]>(fn: (...args: A) => void) =>
      (...args: A): void => {
        if (!this.#cut) fn(...args);
      };
    this.engine = {
      label: inner.label,
      messageBytesMax: inner.messageBytesMax,
      get: (bucket, key, done) => !this.#cut && inner.get(bucket, key, through(done)),
      cas: (bucket, key, value, rev, done) => !this.#cut && inner.cas(bucket, key, value, rev, through(done)),
      watch: (bucket, onEntry) => inner.watch(bucket, through(onEntry)),
      publish: through((subject, body) => inner.publish(subject, body)),
      subscribe: (subject, onMessage) => inner.subscribe(subject, through(onMessage)),
      request: through((subject, body, timeoutMs, done) => inner.request(subject, body, timeoutMs, done)),
      serve: (subject, onRequest) => inner.serve(subject, through(onRequest)),
      info: through((done) => inner.info(done)),
      onReconnect: (fn) => inner.onReconnect(fn),
      close: () => inner.close(),
    };
  }

  cut(): void {
    this.#cut = true;
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
