/** A gateway that keeps an eye on its own process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { Collected } from '../../src/ops/collected.js';
import { EventLoop, type LoopGap } from '../../src/ops/event-loop.js';
import { GrowthWatch } from '../../src/ops/growth.js';
import type { Process } from '../../src/otp/process.js';
import type { KernelEvent } from '../../src/otp/system.js';

const GREEDY = 'sluice/cameras/camera:greedy';

let gateway: SluiceGateway | undefined;

afterEach(async () => {
  await gateway?.stop({ deadlineMs: 0 });
  expect(gateway?.census() ?? {}).toEqual({});
  gateway = undefined;
});

function busy(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** About this actor: a busy machine makes others slow as well. */
const next = (type: string, actor: string): Promise<GatewayEvent> =>
  new Promise((resolve) => {
    const undo = gateway?.on(type, (event) => {
      if (event.actor !== actor) return;
      undo?.();
      resolve(event);
    });
  });

describe('a gateway whose event loop is held up', () => {
  it('D-23 says since when, for how long, and which actor was at work on what', async () => {
    // A source that computes for a while when it is opened: the camera is the actor at work.
    const source = () => ({
      kind: 'busy',
      label: 'busy:',
      open: () => {
        busy(400);
        return { close: async () => {} };
      },
    });
    gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      cameras: [{ id: 'demo', source: 'clip:' }],
      drivers: { 'busy:': source },
      logger: pino({ level: 'silent' }),
    });
    await gateway.start();
    const [demo] = gateway.configuration.cameras as [CameraOptions];
    const slow = next('handler.slow', GREEDY);
    const gap = next('loop.gap', GREEDY);
    await gateway.cameras.add({ ...demo, id: 'greedy', source: 'busy:', onDemand: false });
    expect(await slow).toMatchObject({ kind: 'camera' });
    const told = await gap;
    expect(told).toMatchObject({ kind: 'camera' });
    // Held for 400 ms, and looked at 200 ms after it began at the latest.
    expect(told.detail?.['ms']).toBeGreaterThanOrEqual(199);
    const heldMs = told.atMs - Date.parse(String(told.detail?.['since']));
    expect(heldMs).toBeGreaterThanOrEqual(Number(told.detail?.['ms']) - 2);
    expect(told.detail?.['event']).toBeDefined();
  });
});

describe('the look at the event loop', () => {
  function looking() {
    let nowMs = 0;
    const lags: number[] = [];
    const gaps: LoopGap[] = [];
    const loop = new EventLoop({
      clock: { now: () => nowMs, wallMs: () => 1_000_000 + nowMs },
      lag: (seconds) => lags.push(seconds),
      gap: (gap) => gaps.push(gap),
    });
    const at = (ms: number): void => {
      nowMs = ms;
      loop.look();
    };
    const slow = (path: string, ms: number): void =>
      loop.heard({ type: 'handler.slow', process: { path, kind: 'k' }, event: 'e', ms } as unknown as KernelEvent);
    return { loop, lags, gaps, at, slow };
  }

  it('measures each lag and tells those of a tenth of a second', () => {
    const { lags, gaps, at } = looking();
    at(200);
    at(450);
    at(800);
    expect(lags).toEqual([0, 0.05, 0.15]);
    expect(gaps).toEqual([{ sinceMs: 1_000_650, ms: 150, actor: '', kind: 'loop', event: undefined, untold: 0 }]);
  });

  it('D-23 blames the inner actor and not the one that sent to it, and nobody for what is not theirs', () => {
    const { gaps, at, slow } = looking();
    slow('inner', 390);
    slow('outer', 400);
    at(500);
    slow('small', 100);
    at(1_700);
    expect(gaps.map(({ actor }) => actor)).toEqual(['inner', '']);
  });

  it('tells at most one gap a second, and how many it has left out', () => {
    const { gaps, at } = looking();
    at(300);
    at(600);
    at(900);
    at(1_400);
    expect(gaps.map(({ untold }) => untold)).toEqual([0, 2]);
  });

  it('D-23 knows what the looking itself costs', () => {
    const { loop, at } = looking();
    at(100);
    at(200);
    expect(loop.cost).toEqual({ looks: 2, ms: 0 });
  });
});

describe('the watch for growth', () => {
  it('D-22 tells what has risen ten times in a row by half', () => {
    const watch = new GrowthWatch();
    const told = Array.from({ length: 11 }, (_, at) => watch.look({ actors: 100 + 10 * at, sessions: at }));
    expect(told.slice(0, 10).flat()).toEqual([]);
    expect(told[10]).toEqual([{ figure: 'actors', from: 100, to: 200 }]);
  });

  it('tells nothing of what comes and goes', () => {
    const watch = new GrowthWatch();
    const told = Array.from({ length: 50 }, (_, at) => watch.look({ actors: 100 * (1 + (at % 9)) }));
    expect(told.flat()).toEqual([]);
  });
});

describe('the watch for what is not collected', () => {
  it('D-22 counts an ended actor that somebody holds, a minute later, and not one that is free', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    let nowMs = 0;
    const collected = new Collected(() => nowMs);
    const held: object[] = [];
    const endOne = (at: number): void => {
      const process = { path: `p${at}` };
      collected.ended(process as Process);
      if (at === 0) held.push(process);
    };
    for (let at = 0; at < 100; at += 1) endOne(at);
    expect(collected.undisposed).toBe(0);
    nowMs = 60_001;
    for (let round = 0; round < 20 && collected.undisposed > 1; round += 1) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(collected.undisposed).toBe(1);
    expect(held).toHaveLength(1);
  });
});
