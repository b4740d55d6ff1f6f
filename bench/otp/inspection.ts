/**
 * What it costs to be looked at: events per second of one chart under a supervisor with the inspector absent, there but
 * with nobody watching, and watched: by a viewer that did not ask for this actor, by one that did, and by the Stately
 * inspector over a real WebSocket. The ways take turns, so that a busy machine is unfair to none. Prints one JSON object.
 */
import { createWebSocketReceiver } from '@statelyai/inspect';
import { type AnyActorRef, setup } from 'xstate';
import { type Accept, ActorObserver } from '../../src/ops/inspector/observer.js';
import { startStatelyInspector } from '../../src/ops/inspector/stately-server.js';
import { type Application, startApplication, whichChildren } from '../../src/otp/index.js';

const scale = Number(process.argv[2] ?? 1);
const EVENTS = Math.max(1_000, Math.round(300_000 * scale));
/** So many events are on their way to the Stately inspector at once; a viewer that is far behind is cut off. */
const WINDOW = 500;
const ROUNDS = 5;

const door = setup({}).createMachine({
  id: 'door',
  initial: 'open',
  states: { open: { on: { close: 'closed' } }, closed: { on: { open: 'open' } } },
});

interface Way {
  /** Sends so many events and resolves when everybody who watches has been told of them. */
  run(events: number): Promise<void>;
  stop(): Promise<unknown>;
}

async function tree(): Promise<{ readonly app: Application; readonly ref: AnyActorRef }> {
  const app = await startApplication('top', { children: [{ id: 'door', start: { logic: door } }] });
  const [child] = await whichChildren(app.root);
  return { app, ref: child?.child as AnyActorRef };
}

function knock(ref: AnyActorRef, events: number): void {
  for (let sent = 0; sent < events; sent += 2) {
    ref.send({ type: 'close' });
    ref.send({ type: 'open' });
  }
}

async function plain(): Promise<Way> {
  const { app, ref } = await tree();
  return { run: async (events) => knock(ref, events), stop: () => app.stop() };
}

/** With an observer of the tree, and with a viewer where it accepts somebody. */
async function observed(accept?: Accept): Promise<Way> {
  const { app, ref } = await tree();
  const observer = new ActorObserver(accept);
  observer.observe(app.system);
  let told = 0;
  if (accept) observer.watch((line) => (told += line.length));
  return { run: async (events) => knock(ref, events), stop: () => app.stop() };
}

async function stately(): Promise<Way> {
  const observer = new ActorObserver();
  const inspector = await startStatelyInspector(observer);
  const { app, ref } = await tree();
  observer.observe(app.system);
  let told = 0;
  let reached: { readonly count: number; readonly resolve: () => void } | undefined;
  createWebSocketReceiver({ server: `ws://127.0.0.1:${inspector.port}/` }).subscribe(({ type, sessionId }) => {
    if (type !== '@xstate.snapshot' || sessionId !== ref.sessionId) return;
    told += 1;
    if (told === reached?.count) reached.resolve();
  });
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      reached = { count, resolve };
      if (told >= count) resolve();
    });
  // The state that it was in when the receiver came.
  await until(1);
  const run = async (events: number): Promise<void> => {
    for (let sent = 0; sent < events; sent += WINDOW) {
      const count = told + WINDOW;
      knock(ref, WINDOW);
      await until(count);
    }
  };
  const stop = async (): Promise<void> => {
    await app.stop();
    await inspector.stop();
  };
  return { run, stop };
}

const ways: Readonly<Record<string, { readonly way: Way; readonly events: number }>> = {
  inspector_absent: { way: await plain(), events: EVENTS },
  inspector_off: { way: await observed(), events: EVENTS },
  inspector_filtering: { way: await observed(({ id }) => id !== 'door'), events: EVENTS },
  inspector_on: { way: await observed(() => true), events: EVENTS },
  inspector_stately: { way: await stately(), events: EVENTS / 30 },
};

const best: Record<string, number> = {};
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, { way, events }] of Object.entries(ways)) {
    const sinceMs = performance.now();
    await way.run(events);
    const perSecond = Math.round((events * 1_000) / (performance.now() - sinceMs));
    // The first round is for the compiler.
    if (round > 0) best[`events_per_s_${name}`] = Math.max(best[`events_per_s_${name}`] ?? 0, perSecond);
  }
}
for (const { way } of Object.values(ways)) await way.stop();
process.stdout.write(`${JSON.stringify(best)}\n`);
