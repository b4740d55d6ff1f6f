/**
 * Three NATS servers of which one is cut off together with a gateway's node, in a network namespace; whoever is acted upon is
 * reached by both sides. Where the fewer servers are nobody may claim, and who owned something stops by itself before its lease ends;
 * where the more are, keys are taken as soon as a write is acknowledged there at all. Needs root, iproute2 and a NATS server.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Engine } from '../../src/cluster/engine.js';
import type { Token } from '../../src/cluster/token.js';
import { Claimer } from '../cluster/claim-checker.js';
import { openWhenLed, type Place, startNatsCluster } from '../cluster/nats-cluster.js';
import { natsMissing } from '../cluster/nats-server.js';
import { root } from '../house/source-files.js';
import { KEY, nowMs, receiverAt, told } from './acted-upon.js';
import { eventually } from './eventually.js';
import { FarNetwork, noNamespaces } from './partition.js';
import { TestProcess } from './processes.js';

const missing = natsMissing() ?? noNamespaces();
/** A leader is replaced in 4.6 to 7.7 s: shorter leases would end on both sides. */
const TTL_MS = 12_000;
const ANSWER_MS = 1_000;
/** The servers find each other again by TCP's retransmissions and their own reconnects, and elect a leader then. */
const BACK_MS = 120_000;

async function town(farServers: 1 | 2) {
  const network = new FarNetwork();
  const receiver = await receiverAt(network.another());
  const there: Place = { address: network.there, namespace: network.name };
  const here: Place = { address: network.here };
  const places = farServers === 1 ? [there, here, here] : [there, there, here];
  const servers = await startNatsCluster(places);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.remove()))));
  const urls = servers.map(({ url }) => url);
  const options = { prefix: 'cut', replicas: 3, storage: 'file' as const, eraBump: 0, ttlMs: TTL_MS };
  const open = (node: string): Promise<Engine> =>
    // The nearest first.
    openWhenLed({ ...options, servers: [...urls].reverse(), node, answerMs: ANSWER_MS });
  const near = new Claimer('near', await open('near'), { ttlMs: TTL_MS, answerMs: ANSWER_MS });
  onTestFinished(() => near.close());
  await eventually('near is up', () => near.node.state === 'up');
  const far = new TestProcess('ip', [
    ...['netns', 'exec', network.name, process.execPath, join(root, 'test/e2e/owner.mjs')],
    ...['far', urls.join(','), 'cut', receiver.address, String(TTL_MS)],
  ]);
  await far.printed(/"type":"owned"/);
  await eventually('it acts', () => receiver.accepted.length > 5);
  const bare = await open('bare');
  onTestFinished(() => bare.close());
  return { network, receiver, near, far, bare };
}

/** Bare writes, one after the other, until `over`: when the first was acknowledged, and the slowest of the others. */
async function bareWrites(engine: Engine, over: () => boolean): Promise<{ firstMs: number; slowestMs: number }> {
  let rev = 0;
  let firstMs = Number.POSITIVE_INFINITY;
  let slowestMs = 0;
  while (!over()) {
    const beganMs = nowMs();
    const answer = await new Promise<{ type: string; rev?: number }>((resolve) =>
      engine.cas('own', 'bare', '', rev, resolve),
    );
    if (answer.type === 'written') {
      if (firstMs < Number.POSITIVE_INFINITY) slowestMs = Math.max(slowestMs, nowMs() - beganMs);
      firstMs = Math.min(firstMs, nowMs());
      rev = answer.rev as number;
    } else {
      const standing = await new Promise<number>((resolve) =>
        engine.get('own', 'bare', (read) => resolve(read.type === 'read' ? (read.entry?.rev ?? 0) : rev)),
      );
      rev = standing;
    }
    await sleep(5);
  }
  return { firstMs, slowestMs };
}

describe.skipIf(missing)(`a gateway's node cut off with some of three servers${missing ? `: ${missing}` : ''}`, () => {
  it('D-16 with the fewer: it fences itself before its lease ends, and what it had is taken as soon as anything can be written', {
    timeout: 240_000,
  }, async () => {
    const { network, receiver, near, far, bare } = await town(1);
    network.cut('both ways');
    const cutMs = nowMs();
    let token: Token | undefined;
    let takenMs = 0;
    const writing = bareWrites(bare, () => takenMs > 0 && nowMs() > takenMs + 500);
    while (!token) {
      const answer = await near.claim(KEY);
      takenMs = nowMs();
      if (answer.type === 'owned') token = answer.ownership.token;
      else expect(answer.type, 'nobody else is there').toBe('unavailable');
    }
    expect(receiver.tokens.admits(KEY, token)).toBe(true);
    const seen = receiver.accepted.length;
    const { firstMs, slowestMs } = await writing;
    await eventually('near sees its lease end', () => near.notes.includes('cluster.nodeGone'), Boolean, 40_000);
    const goneMs = nowMs();
    const fencedMs = told(far).find(({ type }) => type === 'cluster.fenced')?.atMs as number;
    const { refused } = receiver.tokens;
    console.log(
      `first write ${Math.round(firstMs - cutMs)} ms after the cut, taken over ${(takenMs - firstMs).toFixed(1)} ms after it (slowest bare write ${slowestMs.toFixed(1)} ms), ${refused} acts refused, fenced ${Math.round(fencedMs - cutMs)} ms after the cut, ${Math.round(goneMs - fencedMs)} ms before its lease was over`,
    );
    // A claim whose answer was lost is tried again when it has waited for that.
    const retryMs = firstMs - cutMs > ANSWER_MS ? 2 * ANSWER_MS + 200 : 0;
    expect(takenMs - firstMs, 'taken over as soon as it may').toBeLessThan(100 + retryMs + 3 * slowestMs);
    expect(goneMs - fencedMs, 'fenced before the engine ended its lease').toBeGreaterThan(500);
    expect(refused, 'it went on for a while, and was refused each time').toBeGreaterThan(10);
    expect(receiver.accepted.slice(seen), 'nothing of it was accepted').toEqual([]);
    expect(near.notes, 'whoever is with the more is not fenced').not.toContain('cluster.fenced');

    network.mend();
    const mendedMs = nowMs();
    const isBack = (all: ReturnType<typeof told>) => all.filter(({ type }) => type === 'cluster.joined').length === 2;
    await eventually('it is back', () => told(far), isBack, BACK_MS);
    console.log(`back ${Math.round(nowMs() - mendedMs)} ms after the network was mended`);
    const [first, second] = told(far).filter(({ type }) => type === 'cluster.joined');
    expect(second?.inc).toBeGreaterThan(first?.inc ?? 0);
    await sleep(300);
    expect(receiver.accepted.slice(seen), 'it never takes up what it had').toEqual([]);
    expect(near.node.ownership(KEY)?.current()).toBe(true);
  });

  it('D-16 with the more: it goes on, and who is left with the fewer claims nothing and fences itself', {
    timeout: 240_000,
  }, async () => {
    const { network, receiver, near, far } = await town(2);
    network.cut('both ways');
    const cutMs = nowMs();
    const answers: string[] = [];
    // By its own word: a claim that is not answered takes a second to say so.
    const fenced = near.noted('cluster.fenced').then(nowMs);
    while (!near.notes.includes('cluster.fenced')) {
      answers.push((await near.claim(KEY)).type);
      await sleep(20);
    }
    const fencedMs = await fenced;
    expect(answers, 'no claim is acknowledged').not.toContain('owned');
    await eventually(
      'far sees the lease of near end',
      () => told(far).find(({ type, node }) => type === 'cluster.nodeGone' && node === 'near'),
      (found) => found !== undefined,
      40_000,
    );
    const goneMs = told(far).find(({ type, node }) => type === 'cluster.nodeGone' && node === 'near')?.atMs as number;
    console.log(
      `fenced ${Math.round(fencedMs - cutMs)} ms after the cut, ${Math.round(goneMs - fencedMs)} ms before its lease was over`,
    );
    expect(goneMs - fencedMs).toBeGreaterThan(500);
    expect(told(far).map(({ type }) => type)).not.toContain('cluster.fenced');
    const seen = receiver.accepted.length;
    await eventually('far still acts', () => receiver.accepted.length > seen + 5);
    expect(receiver.tokens.refused).toBe(0);

    network.mend();
    const mendedMs = nowMs();
    await eventually('near is back', () => near.node.state === 'up', Boolean, BACK_MS);
    console.log(`back ${Math.round(nowMs() - mendedMs)} ms after the network was mended`);
    const answer = await near.claim(KEY);
    expect(answer.type).toBe('owned');
  });
});
