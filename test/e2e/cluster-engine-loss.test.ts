/**
 * Three NATS servers, each killed in its turn while three gateways' nodes take keys from each other, and all of them at once in the end. One round here; more with
 * `npm run soak -- --engine ROUNDS`, which sets `SLUICE_ENGINE_ROUNDS`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClaimBook, Claimer } from '../cluster/claim-checker.js';
import { openWhenLed, startNatsCluster } from '../cluster/nats-cluster.js';
import { natsMissing } from '../cluster/nats-server.js';
import { eventually } from './eventually.js';

const missing = natsMissing();
const ROUNDS = Number(process.env['SLUICE_ENGINE_ROUNDS'] ?? 1);
const KEYS = Array.from({ length: 50 }, (_, at) => `session.user-${at}`);
const IN_FLIGHT = 4;
/** Longer than an election of another leader (4.6 to 7.7 s in research), so that each loss is lived through. */
const AWAY_MS = 8_000;
const BACK_MS = 3_000;

describe.skipIf(missing)(`three NATS servers${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('killed in turn lose no claim, give no token twice, and no gateway is fenced', {
    timeout: 60_000 + ROUNDS * 60_000,
  }, async () => {
    const servers = await startNatsCluster();
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.remove()))));
    const urls = servers.map(({ url }) => url);
    const claimers = await Promise.all(
      ['a', 'b', 'c'].map(async (name, at) => {
        const engine = await openWhenLed({
          // Each has one near it, and knows the others.
          servers: [...urls.slice(at), ...urls.slice(0, at)],
          prefix: 'loss',
          replicas: 3,
          storage: 'file',
          eraBump: 0,
          node: name,
          ttlMs: 12_000,
          answerMs: 1_500,
        });
        return new Claimer(name, engine);
      }),
    );
    onTestFinished(async () => void (await Promise.all(claimers.map((claimer) => claimer.close()))));
    await eventually('all are up', () => claimers.every(({ node }) => node.state === 'up'));

    const book = new ClaimBook();
    let over = false;
    const claiming = claimers.flatMap((claimer) =>
      Array.from({ length: IN_FLIGHT }, () => book.claimOn(claimer, KEYS, () => over)),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const server of servers) {
        await server.kill();
        await sleep(AWAY_MS);
        await server.run();
        await sleep(BACK_MS);
      }
    }
    const whileOneWasAway = claimers.flatMap(({ notes }) => notes);
    const lossesGapMs = book.longestGapMs;
    // All at once: nothing is acknowledged until they are back. Longer than a lease, and everybody is fenced by design.
    const before = book.acknowledged;
    await Promise.all(servers.map((server) => server.kill()));
    await sleep(1_000);
    await Promise.all(servers.map((server) => server.run()));
    await eventually('claims are taken again', () => book.acknowledged > before + 500);
    over = true;
    await Promise.all(claiming);
    const { acknowledged, refused, longestGapMs, faults } = book;
    console.log(
      `${ROUNDS * servers.length} losses: ${acknowledged} claims acknowledged, ${refused} refused, longest outage ${Math.round(lossesGapMs)} ms, of all at once ${Math.round(longestGapMs)} ms`,
    );
    await book.compare((claimers[0] as Claimer).node.engine);
    expect(faults).toEqual([]);
    expect(whileOneWasAway).not.toContain('cluster.fenced');
    await eventually('all are up', () => claimers.every(({ node }) => node.state === 'up'));
    expect(acknowledged).toBeGreaterThan(1_000);
    expect(lossesGapMs, 'claims are resumed').toBeLessThan(12_000);
  });
});
