/** How old the data is at each layer, and the state of whoever is connected and has none. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CameraView, StreamView } from '../../src/gateway/views.js';
import { health } from '../../src/ops/reports.js';
import { HeldSource } from './paths/held-source.js';
import { HeldWire } from './paths/held-wire.js';
import { WholeGateway } from './whole-gateway.js';

const STALE_MS = 2_000;

let whole: WholeGateway;
let source: HeldSource;
let wire: HeldWire;

const camera = (): CameraView => whole.live.cameras()[0] as CameraView;
const viewer = (): StreamView => whole.live.streams().find(({ kind }) => kind === 'watch') as StreamView;
const glance = () => health(whole.live as never, true)['data'];

beforeEach(async () => {
  source = new HeldSource();
  const cameras = [{ id: 'front', source: 'clip:', staleMs: STALE_MS, firstFrameMs: 10_000 }];
  whole = await WholeGateway.start({ cameras }, () => source);
  wire = new HeldWire();
  // Its clock begins at zero, where nothing has an age yet.
  await whole.pass(1_000);
});

afterEach(async () => {
  const stopped = whole.stop();
  await whole.settle();
  for (const attempt of source.attempts) attempt.finish();
  await stopped;
});

describe('the age of data', () => {
  it('D-20 is told for the source, the camera and its viewer, each by itself', async () => {
    expect(camera()).toMatchObject({ state: 'idle', data: { state: 'not_connected' } });
    await whole.live.watch({ cameraId: 'front' }, undefined, wire);
    await whole.settle();
    expect(camera().data).toEqual({ state: 'not_connected' });
    source.current?.listener.opened();
    await whole.settle();
    expect(camera()).toMatchObject({ state: 'opening', data: { state: 'connected_no_data' } });
    expect(viewer().data).toEqual({ state: 'connected_no_data' });
    expect(glance()).toMatchObject({ cameras: { connected_no_data: 1 }, noData: ['front'], oldestMs: null });

    source.picture();
    await whole.pass(700);
    expect(camera().data).toEqual({ state: 'flowing', inMs: 700, outMs: 700 });
    expect(viewer().data).toEqual({ state: 'flowing', inMs: 700, outMs: 700 });
    // The viewer does not take the one before: it is as old there as ever, while the camera has a new one.
    source.picture();
    await whole.pass(300);
    expect(camera().data).toEqual({ state: 'flowing', inMs: 300, outMs: 300 });
    expect(viewer().data).toEqual({ state: 'flowing', inMs: 300, outMs: 1_000 });
    expect(glance()).toMatchObject({ cameras: { flowing: 1 }, streams: { flowing: 1 }, oldestMs: 300, noData: [] });
    wire.completeAll();
    await whole.pass(0);
    expect(viewer().data).toMatchObject({ outMs: 0 });
  });

  it('D-20 makes "connected but no data" a state of a camera whose source falls silent, and of who watches it', async () => {
    wire.quick = true;
    await whole.live.watch({ cameraId: 'front' }, undefined, wire);
    await whole.settle();
    source.picture();
    await whole.pass(STALE_MS + 500);
    expect(camera()).toMatchObject({ state: 'stale', data: { state: 'connected_no_data', inMs: STALE_MS + 500 } });
    expect(viewer().data?.state).toBe('connected_no_data');
    source.picture();
    await whole.settle();
    expect(camera()).toMatchObject({ state: 'live', data: { state: 'flowing', inMs: 0 } });
    expect(viewer().data?.state).toBe('flowing');
  });
});
