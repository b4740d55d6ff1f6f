import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, type InspectionEvent, setup } from 'xstate';
import { ActorObserver } from '../../src/ops/inspector/observer.js';
import { type Inspector, startInspector } from '../../src/ops/inspector/server.js';
import { summary } from '../../src/ops/inspector/summary.js';
import {
  type Application,
  assertNoLeaks,
  exit,
  fromProcess,
  startApplication,
  startChild,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

const clients = new Map(Array.from({ length: 10_000 }, (_, id) => [`c${id}`, { id }]));
const chart = setup({ types: { context: {} as object } }).createMachine({
  id: 'camera',
  context: { clients, resumeToken: 'abc', failures: 2 },
  initial: 'idle',
  states: { idle: { on: { go: 'live' } }, live: {} },
});
const crashing = fromProcess(() => ({
  receive: () => {
    throw new Error('boom');
  },
}));

let app: Application;

async function start(inspect: (event: InspectionEvent) => void): Promise<void> {
  const spec = { start: { logic: chart }, restart: 'temporary' as const };
  const children = [
    { id: 'a', ...spec },
    { id: 'b', ...spec },
    { id: 'crashing', ...spec, start: { logic: crashing } },
  ];
  app = await startApplication('top', { children }, { clock: new VirtualClock(), inspect });
}

async function child(id: string): Promise<AnyActorRef> {
  const found = (await whichChildren(app.root)).find((each) => each.id === id)?.child;
  if (!found || typeof found === 'string') throw new Error(`no child "${id}"`);
  return found;
}

interface Line {
  readonly type: string;
  readonly sessionId: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly chart?: number;
  readonly definition?: { readonly id: string };
  readonly snapshot?: { readonly value?: unknown; readonly status: string; readonly context?: unknown };
}

function recording() {
  const lines: Line[] = [];
  return { lines, sink: (line: string) => void lines.push(JSON.parse(line) as Line) };
}

afterEach(async () => {
  await app?.stop();
});

describe('an observer', () => {
  it('shows who comes late the whole tree, each chart once, and what happens from then on', async () => {
    const observer = new ActorObserver();
    await start(observer.inspect);
    const { lines, sink } = recording();
    observer.watch(sink);
    const actors = lines.filter(({ type }) => type === '@xstate.actor');
    const root = actors[0]?.sessionId;
    expect(actors.map(({ name, parentId }) => [name, parentId])).toEqual([
      ['top', undefined],
      ['a', root],
      ['b', root],
      ['crashing', root],
    ]);
    expect(actors.map(({ definition }) => definition?.id)).toEqual(['supervisor', 'camera', undefined, undefined]);
    expect(actors[1]?.chart).toBe(actors[2]?.chart);
    (await child('a')).send({ type: 'go' });
    const last = lines.at(-1);
    expect([last?.sessionId, last?.snapshot?.value]).toEqual([actors[1]?.sessionId, 'live']);
  });

  it('summarises what is large and hides what is secret', async () => {
    const observer = new ActorObserver();
    await start(observer.inspect);
    const { lines, sink } = recording();
    observer.watch(sink);
    const shown = lines.find(({ snapshot }) => snapshot?.value === 'idle')?.snapshot?.context;
    expect(shown).toEqual({ clients: '[Map of 10000]', resumeToken: '[hidden]', failures: 2 });
  });

  it('tells every end and forgets who has ended, also who crashed', async () => {
    const observer = new ActorObserver();
    await start(observer.inspect);
    const { lines, sink } = recording();
    observer.watch(sink);
    exit(await child('a'), 'kill');
    (await child('crashing')).send({ type: 'boom' });
    app.system.flush();
    expect(observer.size).toBe(2);
    await app.stop();
    expect(observer.size).toBe(0);
    const status = new Map(lines.map(({ sessionId, snapshot }) => [sessionId, snapshot?.status]));
    expect([...status.values()].toSorted()).toEqual(['error', 'stopped', 'stopped', 'stopped']);
    assertNoLeaks(app.system);
  });

  it('looks at nothing that is not wanted', async () => {
    const looked = vi.fn();
    const observer = new ActorObserver(({ id }) => id !== 'secretive');
    const secretive = setup({ types: { context: {} as object } }).createMachine({
      id: 'secretive',
      context: Object.defineProperty({}, 'seen', { enumerable: true, get: looked }),
    });
    await start(observer.inspect);
    const { lines, sink } = recording();
    observer.watch(sink);
    looked.mockClear();
    const told = lines.length;
    const second = await startApplication(
      'secretive',
      { children: [{ id: 'secretive', start: { logic: secretive } }] },
      { inspect: observer.inspect },
    );
    await second.stop();
    expect([looked.mock.calls.length, lines.length, observer.size]).toEqual([0, told, 4]);
  });

  it('says nothing to who has stopped watching', async () => {
    const observer = new ActorObserver();
    await start(observer.inspect);
    const { lines, sink } = recording();
    observer.watch(sink)();
    const told = lines.length;
    (await child('a')).send({ type: 'go' });
    expect(lines.length).toBe(told);
  });
});

describe('an observer of a system', () => {
  it('knows nobody while nobody watches, then shows the whole tree, and lets go of it with the last viewer', async () => {
    const observer = new ActorObserver();
    const spawning = setup({ actors: { chart } }).createMachine({
      id: 'spawning',
      invoke: { id: 'inner', src: 'chart' },
    });
    app = await startApplication('top', { children: [{ id: 'outer', start: { logic: spawning } }] });
    observer.observe(app.system);
    expect(observer.size).toBe(0);
    const [one, two] = [recording(), recording()];
    const unwatch = [observer.watch(one.sink), observer.watch(two.sink)];
    for (const { lines } of [one, two]) {
      const actors = lines.filter(({ type }) => type === '@xstate.actor');
      const nameOf = (id?: string): string | undefined => actors.find(({ sessionId }) => sessionId === id)?.name;
      expect(actors.map(({ name, parentId }) => [name, nameOf(parentId)])).toEqual([
        ['top', undefined],
        ['outer', 'top'],
        ['inner', 'outer'],
      ]);
    }
    await startChild(app.root, { id: 'late', start: { logic: chart }, restart: 'temporary' });
    (await child('late')).send({ type: 'go' });
    expect(two.lines.at(-1)?.snapshot?.value).toBe('live');
    const { sessionId } = await child('late');
    exit(await child('late'), 'kill');
    app.system.flush();
    const last = two.lines.findLast((line) => line.sessionId === sessionId);
    expect([observer.size, last?.snapshot?.status]).toEqual([3, 'stopped']);
    for (const each of unwatch) each();
    expect(observer.size).toBe(0);
    const told = two.lines.length;
    (await child('outer')).send({ type: 'go' });
    expect(two.lines.length).toBe(told);
  });
});

describe('an inspector on a port', () => {
  let inspector: Inspector;
  afterEach(() => inspector.stop());

  const status = (headers: Record<string, string>, path = '') =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request(`${inspector.url}${path}`, { headers }, (res) => {
        resolve(res.statusCode);
        res.destroy();
      });
      asked.once('error', reject).end();
    });

  it('streams to a viewer on this machine', async () => {
    inspector = await startInspector();
    await start(inspector.inspect);
    const { body } = await fetch(inspector.url);
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('"name":"crashing"')) text += Buffer.from((await reader.read()).value ?? []).toString();
    expect(text).toContain('data: {"type":"@xstate.actor"');
    await reader.cancel();
  });

  it('refuses pages of others and names that only resolve to this machine', async () => {
    inspector = await startInspector();
    expect(await status({ Origin: 'https://elsewhere.example' })).toBe(403);
    expect(await status({ Host: 'rebound.example' })).toBe(403);
    expect(await status({}, 'other')).toBe(404);
    expect(await status({})).toBe(200);
  });

  it('cannot be reached from another machine', async () => {
    inspector = await startInspector();
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (!outside) return;
    const reached = await new Promise((resolve) => {
      const socket = connect(Number(new URL(inspector.url).port), outside.address);
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    expect(reached).toBe(false);
  });
});

describe('a summary', () => {
  it.each([
    [new Set([1]), '[Set of 1]'],
    [Buffer.alloc(9), '[9 bytes]'],
    [new Error('no'), 'Error: no'],
    [{ a: { b: { c: { d: 1 } } } }, { a: { b: { c: '[object of 1]' } } }],
    [Array.from({ length: 21 }), '[Array of 21]'],
    ['x'.repeat(201), `${'x'.repeat(200)}… (201 characters)`],
  ])('is small: %o', (value, expected) => {
    expect(summary(value)).toEqual(expected);
  });
});
