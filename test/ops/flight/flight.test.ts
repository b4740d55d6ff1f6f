/** The flight recorder: what it keeps, for how long, within which bounds, and who can read its files. */
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type AnyActorRef, setup } from 'xstate';
import { createGateway } from '../../../src/create-gateway.js';
import { FlightRecorder, type FlightRecorderOptions } from '../../../src/ops/flight/recorder.js';
import { recording } from '../../../src/ops/flight/recording.js';
import { SLAB_BYTES, STEPS } from '../../../src/ops/flight/slabs.js';
import {
  type Application,
  assertNoLeaks,
  dynamicSupervisor,
  fromProcess,
  System,
  startApplication,
  startChild,
  stop,
  VirtualClock,
  whichChildren,
} from '../../../src/otp/index.js';
import { receivedByStately } from './stately-receiver.js';

const SECRET = 'planted-secret';
const camera = setup({
  actions: {
    fall: () => {
      throw new Error('the source has gone');
    },
  },
}).createMachine({
  id: 'camera',
  initial: 'alive',
  states: {
    alive: {
      initial: 'idle',
      states: { idle: { on: { 'viewer.came': 'live' } }, live: { on: { 'source.failed': { actions: 'fall' } } } },
    },
  },
});

interface Tree {
  readonly app: Application;
  readonly recorder: FlightRecorder;
  readonly clock: VirtualClock;
  readonly camera: AnyActorRef;
}

async function tree(options: FlightRecorderOptions = {}): Promise<Tree> {
  const clock = new VirtualClock();
  const system = new System({ clock });
  const recorder = new FlightRecorder(system, options);
  const app = await startApplication('top', { children: [{ id: 'camera', start: { logic: camera } }] }, system);
  onTestFinished(async () => {
    recorder.close();
    await app.stop();
    assertNoLeaks(system);
  });
  const [child] = await whichChildren(app.root);
  return { app, recorder, clock, camera: child?.child as AnyActorRef };
}

function crash(ref: AnyActorRef): void {
  ref.send({ type: 'viewer.came', token: SECRET, name: SECRET, metadata: { deep: SECRET }, pin: 1234 } as never);
  const error = new Error(`the socket of rtsp://admin:${SECRET}@camera/ was closed`);
  ref.send({ type: 'source.failed', password: SECRET, error, final: false } as never);
}

const idle = fromProcess(() => ({ receive: () => {} }));

async function add(parent: AnyActorRef, id: string, logic = idle): Promise<AnyActorRef> {
  const answer = await startChild(parent, { id, restart: 'temporary', start: { logic } });
  if (answer.error || !answer.ok) throw new Error(`${id} did not start`);
  return answer.ok;
}

describe('the flight of an actor', () => {
  it('names its events without the ids of children, of which there may be any number', async () => {
    const { app, recorder } = await tree();
    const brief = fromProcess(({ self }) => ({ receive: () => self.send({ type: 'process.exit', reason: 'normal' }) }));
    const ref = await add(app.root, 'brief', brief);
    ref.send({ type: 'end' });
    app.system.flush();
    const [root] = recorder.flights('top');
    const events = root?.steps.map(({ event }) => event) ?? [];
    expect(events).toContain('child.exited');
    expect(events.filter((event) => event.includes('brief'))).toEqual([]);
  });

  it('is the events that it took and the states that they led to', async () => {
    const { recorder, camera: ref } = await tree();
    ref.send({ type: 'viewer.came' });
    const [life] = recorder.flights('top/camera');
    expect(life?.steps.map(({ event, state }) => [event, state])).toEqual([
      ['xstate.init', 'alive.idle'],
      ['viewer.came', 'alive.live'],
    ]);
    expect(life).toMatchObject({ kind: 'camera', lost: 0, end: undefined });
    expect(recorder.lastEvents(new Set(['top/camera']))).toEqual(new Map([['top/camera', 'viewer.came']]));
  });

  it('outlives a crash, with the event that it crashed of, beside the life that came after', async () => {
    const { app, recorder, camera: ref } = await tree();
    crash(ref);
    app.system.flush();
    const [before, after] = recorder.flights('top/camera');
    expect(before?.steps.at(-1)).toMatchObject({ event: 'source.failed', state: 'alive.live' });
    expect(before?.end?.reason).toBe('Error: the source has gone');
    expect(after?.steps.map(({ event }) => event)).toEqual(['xstate.init']);
  });

  it('has what an event said of why, and nothing else that it carried', async () => {
    const { app, recorder, camera: ref } = await tree();
    crash(ref);
    app.system.flush();
    const [life] = recorder.flights('top/camera');
    expect(life?.steps.map(({ data }) => data)).toEqual([
      undefined,
      undefined,
      { error: 'Error: the socket of rtsp://[hidden]@camera/ was closed', final: false },
    ]);
    expect(JSON.stringify(life?.steps)).not.toMatch(new RegExp(`${SECRET}|1234`));
  });

  it('forgets what events said before the events, when many different things were said', async () => {
    const { recorder, app } = await tree();
    const ref = await add(app.root, 'busy');
    ref.send({ type: 'first', reason: 'long ago' });
    const other = await add(app.root, 'other');
    for (let n = 0; n < 5_000; n += 1) other.send({ type: 'knock', reason: `reason ${n}` });
    expect(recorder.flights('top/busy')[0]?.steps.at(-1)).not.toHaveProperty('data');
    expect(recorder.flights('top/other')[0]?.steps.at(-1)?.data).toEqual({ reason: 'reason 4999' });
    const throwing = Object.defineProperty({ type: 'odd' }, 'reason', {
      enumerable: true,
      get: () => {
        throw new Error('nobody may look');
      },
    });
    ref.send(throwing);
    expect(recorder.flights('top/busy')[0]?.steps.at(-1)).toMatchObject({ event: 'odd' });
  });

  it('is forgotten a while after its end', async () => {
    const { app, recorder, clock, camera: ref } = await tree({ keepMs: 1_000 });
    crash(ref);
    app.system.flush();
    clock.advance(999);
    expect(recorder.flights('top/camera')).toHaveLength(2);
    clock.advance(1);
    expect(recorder.flights('top/camera')).toHaveLength(1);
  });

  it('is its last steps, and the number of those before', async () => {
    const { recorder, app } = await tree();
    const ref = await add(app.root, 'busy');
    for (let n = 1; n <= 100; n += 1) ref.send({ type: `knock.${n}` });
    const [life] = recorder.flights('top/busy');
    expect(life?.steps.map(({ event }) => event)).toEqual(
      Array.from({ length: STEPS }, (_, i) => `knock.${100 - STEPS + 1 + i}`),
    );
    expect(life?.lost).toBe(1 + 100 - STEPS);
  });
});

describe('a flight recorder that is full', () => {
  const CHUNK_BYTES = 256 * SLAB_BYTES;

  it('takes the room of the longest dead first, and never more than it may', async () => {
    const { app, recorder } = await tree({ bytesMax: CHUNK_BYTES });
    const pool = await add(app.root, 'pool', dynamicSupervisor() as never);
    for (let n = 0; n < 1_000; n += 1) await stop(await add(pool, `n${n}`));
    expect(recorder.counts).toMatchObject({ bytes: CHUNK_BYTES, unrecorded: 0 });
    expect(recorder.flights('top/pool/n0')).toEqual([]);
    expect(recorder.flights('top/pool/n999')).toHaveLength(1);
  });

  it('counts the newcomers that it cannot record, and takes nothing from the living', async () => {
    const { app, recorder } = await tree({ bytesMax: CHUNK_BYTES });
    for (let n = 0; n < 300; n += 1) await add(app.root, `n${n}`);
    // Slab 0 is nobody's; the root and the camera have one each.
    expect(recorder.counts.unrecorded).toBe(300 - 253);
    expect(recorder.flights('top/n0')).toHaveLength(1);
    expect(recorder.flights('top/n299')).toEqual([]);
  });
});

describe('the recording of a crashed camera', () => {
  it('tells no secret, and passes through the receiver of the Stately inspector, step by step', async () => {
    const { app, recorder, camera: ref } = await tree();
    crash(ref);
    app.system.flush();
    const file = recording(recorder.flights('top/camera').slice(0, 1));
    expect(file).not.toContain(SECRET);

    const seen = await receivedByStately(file.split('\n').filter((line) => line !== ''));
    expect(seen[0]).toMatchObject({ type: '@xstate.actor', name: 'camera', parentId: 'top' });
    expect(JSON.parse(String(seen[0]?.['definition']))).toMatchObject({ id: 'camera', initial: 'alive' });
    const told = seen.slice(1).map(({ type, event, snapshot }) => {
      const { value } = (snapshot ?? {}) as { readonly value?: unknown };
      return [type, (event as { readonly type: string }).type, value];
    });
    expect(told).toEqual([
      ['@xstate.event', 'xstate.init', undefined],
      ['@xstate.snapshot', 'xstate.init', { alive: 'idle' }],
      ['@xstate.event', 'viewer.came', undefined],
      ['@xstate.snapshot', 'viewer.came', { alive: 'live' }],
      ['@xstate.event', 'source.failed', undefined],
      ['@xstate.snapshot', 'source.failed', { alive: 'live' }],
      ['@xstate.snapshot', '', { alive: 'live' }],
    ]);
    expect(seen.at(-1)?.['snapshot']).toMatchObject({ status: 'stopped', output: 'Error: the source has gone' });
  });

  it('E-a8 is given over HTTP by a gateway, as a file, step by step and as diagrams, for one that was killed', async () => {
    const path = 'sluice/cameras/camera:demo';
    const gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0, token: 'a-token-for-tests' },
      cameras: [{ id: 'demo', source: 'clip:', retry: { delayMs: 1 } }],
      logger: pino({ level: 'silent' }),
    });
    await gateway.start();
    onTestFinished(async () => {
      await gateway.stop({ deadlineMs: 0 });
      expect(gateway.census()).toEqual({});
    });
    const at = `${gateway.addresses.http}/api/actors/${encodeURIComponent(path)}`;
    await fetch(`${at}/kill`, { method: 'POST', headers: { Authorization: 'Bearer a-token-for-tests' } });
    const recording = async (): Promise<string> => await (await fetch(`${at}/flight`)).text();
    // What the end led to stands in the file, told by the chronicle.
    await vi.waitFor(async () => expect(await recording()).toContain('"type":"process.restarted"'), {
      timeout: 15_000,
    });
    const steps = (await (await fetch(`${at}/flight?form=steps`)).json()) as { readonly lives: readonly object[] };
    expect(steps.lives[0]).toMatchObject({ kind: 'camera', end: { reason: 'killed' } });
    const file = await recording();
    expect(JSON.parse(file.split('\n', 1)[0] as string)).toMatchObject({ type: '@xstate.actor', name: 'camera:demo' });
    expect((await fetch(`${gateway.addresses.http}/api/actors/nobody/flight`)).status).toBe(404);
    const chart = (await (await fetch(`${at}/flight?form=chart`)).json()) as Readonly<Record<string, unknown>>;
    expect(chart).toMatchObject({
      kind: 'camera',
      activeStates: ['alive', 'alive.idle'],
      definition: { id: 'camera' },
    });
    expect(await (await fetch(`${at}/flight?form=mermaid`)).text()).toMatch(/\n {2}class camera_alive_idle now\n$/);
    expect(await (await fetch(`${at}/flight?form=sequence&last=1`)).text()).toBe(
      `sequenceDiagram\n  participant others\n  participant a0 as ${path}\n  others->>a0: xstate.init\n  Note over a0: alive.idle\n`,
    );
    expect((await fetch(`${at}/flight?form=film`)).status).toBe(400);
    const chartless = `${gateway.addresses.http}/api/actors/${encodeURIComponent('sluice/janitor')}/flight?form=chart`;
    expect((await fetch(chartless)).status).toBe(404);
  });
});
