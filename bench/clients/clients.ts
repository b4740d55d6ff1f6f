/**
 * What the client manager costs here: connect, store a stream, die, with so many others there who do nothing, until it has
 * forgotten the client and its stream has been told. Prints one JSON object with the same keys as `erlang.escript`.
 */
import type { AnyActorRef } from 'xstate';
import { ClientManager, clientManagerLogic } from '../../src/gateway/client-manager.js';
import { Place } from '../../src/gateway/place.js';
import { assertNoLeaks, exit, fromProcess, monitor, startApplication } from '../../src/otp/index.js';
import type { Process } from '../../src/otp/process.js';
import { spawn } from '../../src/otp/spawn.js';

const scale = Number(process.argv[2] ?? 1);
const CYCLES = Math.max(1, Math.round(60_000 * scale));
const LIVE = [0, 10_000, 100_000];
const CLIENTS_MAX = 1_000_000;

const client = fromProcess(() => ({}));
const stream = fromProcess(({ exit: end }) => ({
  receive: ({ type }) => {
    if (type === 'owner.lost') end('shutdown');
  },
}));

interface Pair {
  readonly client: AnyActorRef;
  readonly stream: AnyActorRef;
}

/** @param made whether the actors are there before the clock starts, so that only the manager's work is measured. */
async function cycles(live: number, made: boolean): Promise<number> {
  const place = new Place();
  const input = () => ({ clientsMax: CLIENTS_MAX, streamsPerClientMax: 16, adopt: () => [] });
  const app = await startApplication('bench', {
    children: [{ id: 'clients', start: place.starts(clientManagerLogic, input) }],
  });
  const manager = new ClientManager(() => place.process);
  const root = app.system.root as Process;
  const one = (logic: typeof client): AnyActorRef => (spawn(root, logic, { id: 'w' }).process as Process).ref;
  const pair = (): Pair => ({ client: one(client), stream: one(stream) });
  const connect = (nodeId: string, { client: ref, stream: control }: Pair): void => {
    manager.clientConnected(ref, { nodeId, realm: 'default' });
    manager.storeClientStream(nodeId, control);
  };
  const idle = Array.from({ length: live }, pair);
  for (const [n, each] of idle.entries()) connect(`live-${n}`, each);
  const pairs = made ? Array.from({ length: CYCLES }, pair) : [];
  globalThis.gc?.();

  const sinceMs = performance.now();
  for (let n = 0; n < CYCLES; n += 1) {
    // Taken out, so that nobody keeps the dead.
    const each = pairs.pop() ?? pair();
    connect(`n${n}`, each);
    await new Promise<void>((resolve) => {
      monitor(each.client, () => resolve());
      exit(each.client, 'kill');
    });
    if (manager.isClientAlive(each.client)) throw new Error(`client ${n} has died and is still known`);
  }
  const perSecond = Math.round((CYCLES * 1_000) / (performance.now() - sinceMs));

  const { clients, clientStreams, streams } = manager.counts;
  if (clients + clientStreams + streams !== 3 * live) throw new Error('somebody is left who has died');
  for (const each of idle) for (const ref of [each.client, each.stream]) exit(ref, 'kill');
  await app.stop();
  assertNoLeaks(app.system);
  return perSecond;
}

const rows: Record<string, number> = {};
/** The first round is for the compiler. */
const ROUNDS = 3;
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const live of LIVE) {
    for (const made of [true, false]) {
      const key = `${made ? 'manager_cycles' : 'client_lives'}_per_s_live_${live}`;
      const perSecond = await cycles(live, made);
      if (round > 0) rows[key] = Math.max(rows[key] ?? 0, perSecond);
    }
  }
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
