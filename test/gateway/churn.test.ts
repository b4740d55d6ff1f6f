/**
 * Ten thousand clients that come, watch and die: nothing of them may stay, and the last must cost what the first did. The
 * ratio is printed; what is asserted is so generous that only a cost that grows with what has been can break it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leftovers } from '../../src/otp/leaks.js';
import { NOBODY, PICTURE_MS, WholeGateway } from './whole-gateway.js';

const CLIENTS = 10_000;
/** Clients that are there at the same time. */
const TOGETHER = 100;
/** How many times dearer the last tenth may be than the first. A cost that grows with what has been would be 19 times. */
const RATIO_MAX = 8;
/** Clients that come and go before anything is measured: the first of all are slow because the code is new. */
const WARM_UP = 1_000;
const TIMEOUT_MS = 180_000;

let gateway: WholeGateway;

beforeEach(async () => {
  gateway = await WholeGateway.start({ limits: { clients: CLIENTS } });
  for (let i = 0; i < WARM_UP; i += 1) {
    const { session } = await gateway.churner(`warm-${i}`);
    session.process.terminate('killed');
  }
  await settled();
  expect(gateway.manager.counts).toEqual(NOBODY);
});

afterEach(() => gateway.stop());

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** The median of the last tenth by that of the first. */
function growth(perRoundMs: readonly number[]): number {
  const tenth = Math.ceil(perRoundMs.length / 10);
  return median(perRoundMs.slice(-tenth)) / median(perRoundMs.slice(0, tenth));
}

/** Every message delivered and every promise that comes of it settled. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('ten thousand clients that come, watch and die', { timeout: TIMEOUT_MS }, () => {
  it('leave nothing behind, and the last cost what the first did', async () => {
    // The camera lets go of its source a while after the last viewer.
    await gateway.pass(60_000);
    const idle = leftovers(gateway.system);
    const beginMs: number[] = [];
    const endMs: number[] = [];
    for (let round = 0; round < CLIENTS / TOGETHER; round += 1) {
      const beganAtMs = performance.now();
      const ids = Array.from({ length: TOGETHER }, (_, i) => `n${round}-${i}`);
      const clients = await Promise.all(ids.map((id) => gateway.churner(id)));
      await gateway.pass(PICTURE_MS);
      const thereAtMs = performance.now();
      for (const { watched } of clients) expect(watched?.frames.length).toBeGreaterThan(0);
      expect(gateway.manager.counts).toEqual({ clients: TOGETHER, clientStreams: TOGETHER, streams: 2 * TOGETHER });
      for (const [i, { control, session }] of clients.entries()) {
        // Every way of leaving for good. A client that crashes alone is waited for; here its session crashes with it.
        if (i % 3 === 0) control.bye('done');
        else if (i % 3 === 1) session.end({ shutdown: 'drain' });
        else session.process.terminate('killed');
      }
      await settled();
      endMs.push(performance.now() - thereAtMs);
      beginMs.push(thereAtMs - beganAtMs);
      expect(gateway.manager.counts).toEqual(NOBODY);
      for (const { wire, watched } of clients) expect([wire.ends.length, watched?.ends.length]).toEqual([1, 1]);
    }
    await gateway.pass(60_000);
    expect(gateway.states).toEqual([]);
    expect(gateway.manager.faults()).toEqual([]);
    expect(gateway.viewers).toBe(0);
    expect(leftovers(gateway.system)).toEqual(idle);
    const [begin, end] = [growth(beginMs), growth(endMs)];
    console.log(
      `${CLIENTS} clients, ${TOGETHER} at a time: ${median(beginMs).toFixed(1)} ms to begin and ${median(endMs).toFixed(1)} ms to end a hundred; last tenth by first: ${begin.toFixed(2)} and ${end.toFixed(2)}`,
    );
    expect(begin).toBeLessThan(RATIO_MAX);
    expect(end).toBeLessThan(RATIO_MAX);
  });

  it('S3-13 leave exactly those who stay: of 5,000 connects and 4,900 deaths, 100 clients and 100 streams', async () => {
    const controls = [];
    for (let i = 0; i < 5_000; i += 1) {
      const { control } = await gateway.churner(`n${i}`, { watching: false });
      controls.push(control);
    }
    for (const control of controls.slice(0, 4_900)) control.bye('done');
    await settled();
    expect(gateway.manager.counts).toEqual({ clients: 100, clientStreams: 100, streams: 100 });
    expect(gateway.manager.faults()).toEqual([]);
    expect(gateway.live.resources().orphans).toBe(0);
  });

  it('cost the same to start and to stop whether ten or ten thousand are there', async () => {
    const perClientMs: number[] = [];
    const sessions = [];
    for (let i = 0; i < CLIENTS; i += 1) {
      const beganAtMs = performance.now();
      const { session } = await gateway.churner(`n${i}`, { watching: false });
      perClientMs.push(performance.now() - beganAtMs);
      sessions.push(session);
    }
    expect(gateway.manager.counts.clients).toBe(CLIENTS);
    const perEndMs: number[] = [];
    for (const session of sessions) {
      const beganAtMs = performance.now();
      session.process.terminate('killed');
      gateway.system.flush();
      perEndMs.push(performance.now() - beganAtMs);
    }
    await settled();
    expect(gateway.manager.counts).toEqual(NOBODY);
    const [begin, end] = [growth(perClientMs), 1 / growth(perEndMs)];
    console.log(`with ${CLIENTS} there by with none: ${begin.toFixed(2)} to begin, ${end.toFixed(2)} to end`);
    expect(begin).toBeLessThan(RATIO_MAX);
    expect(end).toBeLessThan(RATIO_MAX);
  });
});
