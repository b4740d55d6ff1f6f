/**
 * Gateways' nodes as processes that take keys from each other, stopped for 1, 5 and 20 seconds side by side, and one killed and replaced
 * meanwhile. Leases are the default's, so that only the longest pause is beyond one. What was acknowledged is looked through afterwards:
 * no token twice, none lower than one that had been acknowledged before its claim began, none lost.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import type { Token } from '../../src/cluster/token.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { root } from '../house/source-files.js';
import { eventually } from './eventually.js';
import { TestProcess } from './processes.js';

const missing = natsMissing();
const KEYS = 20;
/** How long each is stopped. */
const PAUSES_MS = [1_000, 5_000, 20_000];
const KILLED_AFTER_MS = 6_000;

interface Line {
  readonly type: string;
  readonly atMs: number;
  readonly key: string;
  readonly token: Token;
  readonly beganMs: number;
  readonly inc: number;
}

/** What is wrong with what was acknowledged, in the order of the machine's clock. */
function faultsOf(claims: readonly (Line & { readonly by: string })[]): string[] {
  const faults: string[] = [];
  const given = new Map<string, string>();
  const acknowledged = new Map<string, { atMs: number; rev: number }[]>();
  for (const { by, key, token, atMs, beganMs } of [...claims].sort((a, b) => a.atMs - b.atMs)) {
    const name = `${token.era}.${token.rev}`;
    const other = given.get(name);
    if (other !== undefined) faults.push(`token ${name} was given to ${other} and to ${by}`);
    given.set(name, by);
    const earlier = acknowledged.get(key) ?? [];
    acknowledged.set(key, earlier);
    const floor = Math.max(0, ...earlier.filter((one) => one.atMs < beganMs).map(({ rev }) => rev));
    if (token.rev <= floor) faults.push(`${key}: ${by} got ${token.rev} after ${floor} had been acknowledged`);
    earlier.push({ atMs, rev: token.rev });
  }
  return faults;
}

describe.skipIf(missing)(`gateways that are stopped and killed${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('give no token twice and lose no claim; a pause within the lease fences nobody, one beyond it does', {
    timeout: 120_000,
  }, async () => {
    const server = await NatsServer.start();
    onTestFinished(() => server.remove());
    const start = (name: string): TestProcess =>
      new TestProcess(process.execPath, [join(root, 'test/e2e/claimer.mjs'), name, server.url, 'paused', String(KEYS)]);
    const lines = (one: TestProcess): Line[] =>
      one.stdout
        .slice(0, one.stdout.lastIndexOf('\n'))
        .split('\n')
        .map((line) => JSON.parse(line));
    const paused = PAUSES_MS.map((ms) => start(`stopped-${ms}`));
    const doomed = start('doomed');
    const processes = new Map([...paused.entries()].map(([at, one]) => [`stopped-${PAUSES_MS[at]}`, one]));
    processes.set('doomed', doomed);
    await Promise.all([...processes.values()].map((one) => one.printed(/"type":"claimed"/)));

    const pausing = paused.map(async (one, at) => {
      one.signal('SIGSTOP');
      await sleep(PAUSES_MS[at] as number);
      one.signal('SIGCONT');
    });
    await sleep(KILLED_AFTER_MS);
    doomed.signal('SIGKILL');
    await doomed.end();
    const heir = start('doomed');
    processes.set('heir', heir);
    await heir.printed(/"type":"claimed"/);
    await Promise.all(pausing);
    const longest = paused.at(-1) as TestProcess;
    await eventually(
      'the longest is back',
      () => lines(longest).filter(({ type }) => type === 'cluster.joined').length === 2,
    );
    const backMs = lines(longest).findLast(({ type }) => type === 'cluster.joined')?.atMs as number;
    await eventually('it claims', () => lines(longest).some(({ type, atMs }) => type === 'claimed' && atMs > backMs));
    for (const one of processes.values()) one.signal('SIGKILL');
    await Promise.all([...processes.values()].map((one) => one.end()));

    const claims = [...processes].flatMap(([by, one]) =>
      lines(one).flatMap((line) => (line.type === 'claimed' ? [{ ...line, by }] : [])),
    );
    const fenced = [...processes].flatMap(([by, one]) =>
      lines(one).some(({ type }) => type === 'cluster.fenced') ? [by] : [],
    );
    console.log(`${claims.length} claims acknowledged; fenced: ${fenced.join(', ')}`);
    expect(claims.length).toBeGreaterThan(500);
    expect(faultsOf(claims)).toEqual([]);
    expect(fenced).toEqual(['stopped-20000']);
    const [first, second] = lines(longest).filter(({ type }) => type === 'cluster.joined');
    expect(second?.inc).toBeGreaterThan(first?.inc ?? 0);

    const options = { prefix: 'paused', replicas: 1, storage: 'file' as const, eraBump: 0, ttlMs: 12_000 };
    const engine = await openNatsEngine({ ...options, servers: [server.url], node: 'observer', answerMs: 1_500 });
    onTestFinished(() => engine.close());
    for (const key of new Set(claims.map((claim) => claim.key))) {
      const highest = Math.max(...claims.flatMap((claim) => (claim.key === key ? [claim.token.rev] : [])));
      const standing = await new Promise<number>((resolve) =>
        engine.get('own', key, (answer) => resolve(answer.type === 'read' ? (answer.entry?.rev ?? 0) : 0)),
      );
      expect(standing, `${key} was acknowledged at ${highest}`).toBeGreaterThanOrEqual(highest);
    }
  });
});
