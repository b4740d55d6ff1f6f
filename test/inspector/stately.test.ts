/** What the Stately inspector is told, over real WebSockets on loopback. */
import { createServer } from 'node:net';
import { createWebSocketInspector, createWebSocketReceiver } from '@statelyai/inspect';
import { createInspectorServer } from '@statelyai/inspect/server';
import { afterEach, expect, it, vi } from 'vitest';
import { setup } from 'xstate';
import { assertNoLeaks, startApplication, supervisor, whichChildren } from '../../src/otp/index.js';

const camera = setup({}).createMachine({
  id: 'camera',
  initial: 'idle',
  states: { idle: { on: { go: 'live' } }, live: {} },
});

/** An actor as a viewer sees it. */
interface Seen {
  readonly name: string;
  readonly parent: string | undefined;
  readonly states: readonly string[];
  value: unknown;
  status: string | undefined;
}

interface Wire {
  readonly type: string;
  readonly name: string;
  readonly sessionId: string;
  readonly parentId?: string;
  readonly definition?: string;
  readonly snapshot?: { readonly value?: unknown; readonly status?: string };
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0).reverse()) each();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A receiver behind the relay. */
async function viewer() {
  const port = await freePort();
  const relay = createInspectorServer({ port, autoOpen: false, url: 'http://127.0.0.1:1/' });
  undo.push(() => relay.stop());
  const inspector = createWebSocketInspector({ url: `ws://127.0.0.1:${port}` });
  undo.push(() => inspector.stop());
  const actors = new Map<string, Seen>();

  createWebSocketReceiver({ server: `ws://127.0.0.1:${port}` }).subscribe((event) => {
    const { type, name, sessionId, parentId, definition, snapshot } = event as unknown as Wire;
    if (type === '@xstate.actor') {
      const { states = {} } = JSON.parse(definition ?? '{}') as { states?: object };
      const seen = { name, parent: parentId, states: Object.keys(states).sort(), value: undefined, status: undefined };
      actors.set(sessionId, seen);
    }
    const seen = actors.get(sessionId);
    if (!seen || !snapshot) return;
    seen.value = snapshot.value;
    seen.status = snapshot.status;
  });
  const tree = (): Record<string, unknown> => {
    const path = ({ name, parent }: Seen): string => {
      const above = parent && actors.get(parent);
      return above ? `${path(above)}/${name}` : name;
    };
    return Object.fromEntries([...actors.values()].map((seen) => [path(seen), seen.value]));
  };
  return { inspector, actors, tree };
}

it('is the tree with parents, charts and states, and every end', async () => {
  const { inspector, actors, tree } = await viewer();
  const cameras = supervisor({ children: [{ id: 'front', start: { logic: camera } }] });
  const app = await startApplication(
    'gateway',
    {
      children: [
        { id: 'clients', type: 'supervisor', start: { logic: supervisor() } },
        { id: 'cameras', type: 'supervisor', start: { logic: cameras } },
      ],
    },
    { inspect: inspector.inspect as never },
  );
  const sup = (await whichChildren(app.root)).find(({ id }) => id === 'cameras')?.child;
  if (!sup || typeof sup === 'string') throw new Error('the cameras do not run');
  const front = (await whichChildren(sup))[0]?.child;
  if (!front || typeof front === 'string') throw new Error('the camera does not run');
  front.send({ type: 'go' });
  await vi.waitFor(
    () =>
      expect(tree()).toEqual({
        gateway: 'running',
        'gateway/clients': 'running',
        'gateway/cameras': 'running',
        'gateway/cameras/front': 'live',
      }),
    { timeout: 15_000 },
  );
  const charts = Object.fromEntries([...actors.values()].map(({ name, states }) => [name, states]));
  const supervising = ['restarting', 'running', 'starting', 'stopped', 'stopping'];
  expect(charts).toEqual({
    gateway: supervising,
    clients: supervising,
    cameras: supervising,
    front: ['idle', 'live'],
  });
  await app.stop();
  await vi.waitFor(
    () => expect([...actors.values()].filter(({ status }) => status === 'active' || status === undefined)).toEqual([]),
    { timeout: 15_000 },
  );
  assertNoLeaks(app.system);
});
