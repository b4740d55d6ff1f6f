/**
 * Real partitions, in a network namespace: a gateway's node is cut from the engine and not from those it acts upon, in both
 * directions or in one. The others take over at once, whoever is acted upon refuses the one who was cut, and that one stops by itself before
 * its lease ends. Needs root, iproute2 and a NATS server.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { compareTokens, type Token } from '../../src/cluster/token.js';
import { Claimer } from '../cluster/claim-checker.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { root } from '../house/source-files.js';
import { KEY, nowMs, receiverAt, told } from './acted-upon.js';
import { eventually } from './eventually.js';
import { FarNetwork, noNamespaces } from './partition.js';
import { TestProcess } from './processes.js';

const missing = natsMissing() ?? noNamespaces();
const TTL_MS = 4_000;

async function town() {
  const network = new FarNetwork();
  const receives = network.another();
  const server = await NatsServer.start({ address: network.here });
  onTestFinished(() => server.remove());
  const receiver = await receiverAt(receives);
  const common = { prefix: 'cut', replicas: 1, storage: 'file' as const, eraBump: 0, ttlMs: TTL_MS, answerMs: 1_000 };
  const engine = await openNatsEngine({ ...common, servers: [server.url], node: 'near' });
  const near = new Claimer('near', engine, { ttlMs: TTL_MS, answerMs: 1_000 });
  onTestFinished(() => near.close());
  const gone: number[] = [];
  await eventually('near is up', () => near.node.state === 'up');
  const far = new TestProcess('ip', [
    'netns',
    'exec',
    network.name,
    process.execPath,
    join(root, 'test/e2e/owner.mjs'),
    'far',
    server.url,
    'cut',
    receiver.address,
    String(TTL_MS),
  ]);
  await far.printed(/"type":"owned"/);
  await eventually('it acts', () => receiver.accepted.length > 5);
  return { network, receiver, near, far, gone };
}

describe.skipIf(missing)(`a node in a network of its own${missing ? `: ${missing}` : ''}`, () => {
  it.each(['both ways', 'one way'] as const)(
    'D-16 cut from the engine (%s) but not from those it acts upon: refused at once, fenced before its lease ends, back as somebody new',
    async (how) => {
      const { network, receiver, near, far } = await town();
      network.cut(how);
      const cutMs = nowMs();
      await sleep(200);
      const beganMs = performance.now();
      const answer = await near.claim(KEY);
      const tookMs = performance.now() - beganMs;
      if (answer.type !== 'owned') throw new Error(answer.type);
      const { token } = answer.ownership;
      expect(receiver.tokens.admits(KEY, token)).toBe(true);
      const seen = receiver.accepted.length;
      await eventually('near sees its lease end', () => near.notes.includes('cluster.nodeGone'));
      const goneMs = nowMs();
      await eventually('it was fenced', () => told(far).some(({ type }) => type === 'cluster.fenced'));
      const fencedMs = told(far).find(({ type }) => type === 'cluster.fenced')?.atMs as number;
      const { refused } = receiver.tokens;
      console.log(
        `${how}: taken over in ${tookMs.toFixed(1)} ms, ${refused} acts refused, fenced ${Math.round(fencedMs - cutMs)} ms after the cut, ${Math.round(goneMs - fencedMs)} ms before its lease was over`,
      );
      expect(tookMs, 'take-over waits for nobody').toBeLessThan(1_000);
      const lost = told(far).find(({ type }) => type === 'lost');
      if (how === 'both ways') {
        expect(lost?.reason).toBe('fenced');
        expect(refused, 'it went on for a while, and was refused each time').toBeGreaterThan(10);
        expect(goneMs - fencedMs, 'fenced before the engine ended its lease').toBeGreaterThan(500);
      } else {
        // What is sent to it arrives: it is told that it was replaced, and stops long before its lease is over.
        expect(lost?.reason).toBe('superseded');
        expect(goneMs - (lost?.atMs ?? 0)).toBeGreaterThan(500);
      }
      expect(receiver.accepted.slice(seen), 'nothing of it was accepted').toEqual([]);
      network.mend();
      await eventually('it is back', () => told(far).filter(({ type }) => type === 'cluster.joined').length === 2);
      const [first, second] = told(far).filter(({ type }) => type === 'cluster.joined');
      expect(second?.inc).toBeGreaterThan(first?.inc ?? 0);
      await sleep(300);
      expect(receiver.accepted.slice(seen), 'it never takes up what it had').toEqual([]);
      expect(near.node.ownership(KEY)?.current()).toBe(true);
    },
  );

  it('whose wire comes and goes within its lease keeps what it has, and nobody is fenced', async () => {
    const { network, receiver, near, far } = await town();
    for (let n = 0; n < 3; n += 1) {
      network.cut('both ways');
      await sleep(700);
      network.mend();
      await sleep(500);
    }
    const seen = receiver.accepted.length;
    await eventually('it still acts', () => receiver.accepted.length > seen + 5);
    expect(told(far).map(({ type }) => type)).not.toContain('cluster.fenced');
    expect(near.notes).not.toContain('cluster.nodeGone');
    const tokens = receiver.accepted.map(({ token }) => token);
    expect(tokens.every((token, at) => at === 0 || compareTokens(token, tokens[at - 1] as Token) >= 0)).toBe(true);
    expect(receiver.tokens.refused).toBe(0);
  });
});
