/** The client manager as an actor, under a supervisor: who it knows is alive, whatever happens to them or to itself. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { ClientManager, clientManagerLogic, type Registration } from '../../src/gateway/client-manager.js';
import { Place } from '../../src/gateway/place.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { leftovers } from '../../src/otp/leaks.js';
import { type Process, processOf } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { spawn } from '../../src/otp/spawn.js';
import type { System } from '../../src/otp/system.js';

let application: Application;
let system: System;
let place: Place;
let manager: ClientManager;
/** What a fresh manager is told. */
let alive: Registration[];
let names = 0;

async function start({ clientsMax = 10_000, streamsPerClientMax = 16 } = {}): Promise<void> {
  place = new Place();
  alive = [];
  const input = () => ({ clientsMax, streamsPerClientMax, adopt: () => alive });
  application = await startApplication(
    'test',
    { children: [{ id: 'clients', start: place.starts(clientManagerLogic, input) }], intensity: 1_000 },
    { clock: new VirtualClock() },
  );
  ({ system } = application);
  manager = new ClientManager(() => place.process);
}

beforeEach(() => start());

afterEach(async () => {
  expect(manager.faults()).toEqual([]);
  for (const process of [...system.processes]) if (process.kind === 'somebody') exit(process.ref, 'kill');
  system.flush();
  expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
  expect(system.monitors).toBe(0);
  await application.stop();
  expect(leftovers(system)).toEqual({});
});

const somebodyLogic = fromProcess(() => ({}), { kind: 'somebody' });

/** A living process: a client or a stream. */
function somebody(): AnyActorRef {
  names += 1;
  const root = processOf(application.root) as Process;
  return (spawn(root, somebodyLogic, { id: `somebody-${names}` }).process as Process).ref;
}

function kill(ref: AnyActorRef): void {
  exit(ref, 'kill');
  system.flush();
}

/** A client of this node id with a control stream. */
function connected(nodeId: string, endpoint?: string): { readonly client: AnyActorRef; readonly stream: AnyActorRef } {
  const [client, stream] = [somebody(), somebody()];
  expect(manager.clientConnected(client, { nodeId })).toBeUndefined();
  expect(manager.storeClientStream(nodeId, stream, endpoint)).toBeUndefined();
  return { client, stream };
}

const monitorsOf = (ref: AnyActorRef): number => processOf(ref)?.watchers?.size ?? 0;
const nodeIds = (): readonly string[] => [...manager.getAllNodeIds()].sort();

describe('a client manager', () => {
  it('M-C4 M-C12 starts with its limits, and knows nobody', async () => {
    await application.stop();
    await start({ clientsMax: 1 });
    expect(place.process?.alive).toBe(true);
    expect(manager.getAllClients()).toEqual([]);
    expect(manager.clientConnected(somebody(), { nodeId: 'n1' })).toBeUndefined();
    expect(manager.clientConnected(somebody(), { nodeId: 'n2' })).toBe('max_clients_reached');
  });

  it('M-C5 ends when it is stopped, and then knows nobody and refuses everybody', async () => {
    const ref = place.ref as AnyActorRef;
    await application.stop();
    expect(processOf(ref)?.alive).toBe(false);
    expect(manager.clientConnected(ref, { nodeId: 'n1' })).toBe('noproc');
    expect(manager.getAllNodeIds()).toEqual([]);
    await start();
  });

  it('M-C11 M-C17 M-C27 S3-24 answers every question about somebody who is not there', () => {
    const nobody = somebody();
    expect(manager.getClientInfo(nobody)).toBeUndefined();
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(manager.isClientAlive(nobody)).toBe(false);
    expect(manager.storeClientStream('n1', somebody())).toBe('not_found');
    expect(manager.attachStream('n1', somebody())).toBe('not_found');
    manager.clientDisconnected(nobody);
    manager.releasePlace('n1');
    kill(nobody);
    expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
    expect(place.process?.alive).toBe(true);
  });
});

describe('clients', () => {
  it('M-C13 are listed', () => {
    const [one, other] = [connected('n1'), connected('n2')];
    expect(manager.getAllClients().map(({ ref }) => ref === one.client || ref === other.client)).toEqual([true, true]);
    expect(nodeIds()).toEqual(['n1', 'n2']);
  });

  it('M-C19 are all there when ten connect together', async () => {
    await Promise.all(Array.from({ length: 10 }, async (_, i) => connected(`n${i}`)));
    expect(nodeIds()).toHaveLength(10);
  });

  it('M-C14 M-C15 are alive until they die', () => {
    const { client } = connected('n1');
    expect(manager.isClientAlive(client)).toBe(true);
    exit(client, 'kill');
    expect(manager.isClientAlive(client)).toBe(false);
  });
});

describe('a client that is killed', () => {
  it('M-C7 M-C20 M-C22 S3-5 S3-9 is gone with its streams, without anybody calling', () => {
    const { client, stream } = connected('n1', 'east');
    const ended: unknown[] = [];
    system.on((event) => {
      if (event.type === 'process.down') ended.push(event.process.ref);
    });
    kill(client);
    expect(manager.getAllClients()).toEqual([]);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(ended.includes(client)).toBe(true);
    expect(monitorsOf(stream)).toBe(0);
  });

  it('leaves the others as they are', () => {
    const { client } = connected('n1');
    const other = connected('n2');
    kill(client);
    expect(nodeIds()).toEqual(['n2']);
    expect(manager.getClientStream('n2') === other.stream).toBe(true);
  });
});

describe('a client that disconnects', () => {
  it('M-C9 M-C10 M-C21 S3-3 S3-4 is gone with its streams; a second time is no error', () => {
    const { client, stream } = connected('n1');
    manager.clientDisconnected(client);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getAllClients()).toEqual([]);
    manager.clientDisconnected(client);
    expect([monitorsOf(client), monitorsOf(stream)]).toEqual([0, 0]);
  });

  it('L1 D-7 and connects again on the same process is monitored once', () => {
    const client = somebody();
    for (let time = 0; time < 5; time += 1) {
      expect(manager.clientConnected(client, { nodeId: 'n1' })).toBeUndefined();
      expect(monitorsOf(client)).toBe(1);
      manager.clientDisconnected(client);
      expect(monitorsOf(client)).toBe(0);
    }
    expect(system.monitors).toBe(0);
  });

  it('S3-27 while it dies is gone all the same, in either order', () => {
    const [one, other] = [connected('n1').client, connected('n2').client];
    manager.clientDisconnected(one);
    exit(one, 'kill');
    exit(other, 'kill');
    manager.clientDisconnected(other);
    system.flush();
    expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
  });
});

describe('a client that comes back under its node id from a new process', () => {
  it('D-1 L2 keeps its new stream when the old process dies', () => {
    const before = connected('n1', 'east');
    const now = connected('n1', 'east');
    kill(before.client);
    kill(before.stream);
    expect(manager.getClientStream('n1') === now.stream).toBe(true);
    expect(manager.getStreamByEndpoint('east') === now.stream).toBe(true);
    expect(manager.isClientAlive(now.client)).toBe(true);
  });

  it('keeps it too when the old one died first and was not yet heard of', () => {
    const before = connected('n1');
    exit(before.client, 'kill');
    exit(before.stream, 'kill');
    const now = connected('n1');
    system.flush();
    expect(manager.getClientStream('n1') === now.stream).toBe(true);
    expect(manager.counts).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });
});

describe('a stream that dies', () => {
  it('L3 D-2 M-C28 is never handed out again; its client and its other streams stay', () => {
    const { client, stream } = connected('n1', 'east');
    const other = somebody();
    manager.attachStream('n1', other);
    kill(stream);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(manager.isClientAlive(client)).toBe(true);
    expect(manager.counts).toEqual({ clients: 1, clientStreams: 0, streams: 1 });
  });

  it('L3 was dead already when it was stored: it goes as soon as that is known', () => {
    const client = somebody();
    manager.clientConnected(client, { nodeId: 'n1' });
    const stream = somebody();
    kill(stream);
    manager.storeClientStream('n1', stream);
    system.flush();
    expect(manager.getClientStream('n1')).toBeUndefined();
  });
});

describe('a client without a node id', () => {
  it('S3-8 L15 is refused, and its death crashes nobody', () => {
    const client = somebody();
    expect(manager.clientConnected(client, { nodeId: '' })).toBe('node_id_required');
    expect(manager.clientConnected(client, {} as never)).toBe('node_id_required');
    const { client: other } = connected('n2');
    kill(client);
    manager.clientDisconnected(client);
    expect(place.process?.restarts).toBe(0);
    expect(manager.isClientAlive(other)).toBe(true);
  });
});

describe('a client manager that is killed', () => {
  it('L12 D-9 is told anew of everybody alive, monitors them, and lets the dead be', () => {
    const [a, b] = [connected('a', 'east'), connected('b')];
    const call = somebody();
    manager.attachStream('b', call);
    const ended = somebody();
    alive = [
      { client: a.client, info: { nodeId: 'a' } },
      { nodeId: 'a', stream: a.stream, control: true, endpoint: 'east' },
      { client: b.client, info: { nodeId: 'b' } },
      { nodeId: 'b', stream: b.stream, control: true },
      { nodeId: 'b', stream: call, control: false },
      { nodeId: 'nobody', stream: ended, control: true },
    ];
    const before = place.process;
    exit(place.ref as AnyActorRef, 'kill');
    system.flush();
    expect(place.process).toBeDefined();
    expect(place.process === before).toBe(false);
    expect(nodeIds()).toEqual(['a', 'b']);
    expect(manager.getClientStream('a') === a.stream).toBe(true);
    expect(manager.getStreamByEndpoint('east') === a.stream).toBe(true);
    expect(manager.counts).toEqual({ clients: 2, clientStreams: 2, streams: 3 });
    expect([a.client, a.stream, b.client, b.stream, call].map(monitorsOf)).toEqual([1, 1, 1, 1, 1]);
    kill(a.client);
    expect(nodeIds()).toEqual(['b']);
  });
});

type Act = readonly [
  act: 'connect' | 'store' | 'attach' | 'disconnect' | 'kill' | 'killStream' | 'deliver',
  node: number,
];

describe('at every moment that anybody can observe', () => {
  it('S3-11 S3-12 D-7 every index agrees with every other, and monitors are as many as the monitored', () => {
    const act: fc.Arbitrary<Act> = fc.tuple(
      fc.constantFrom('connect', 'store', 'attach', 'disconnect', 'kill', 'killStream', 'deliver'),
      fc.nat(4),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const faults: (readonly string[])[] = [];
        const look = (): void => void faults.push(manager.faults());
        const unlisten = system.on(look);
        const undo = (place.ref as AnyActorRef).subscribe(look);
        const clients = new Map<number, AnyActorRef>();
        const everybody: AnyActorRef[] = [];
        const newcomer = (): AnyActorRef => {
          const ref = somebody();
          everybody.push(ref);
          return ref;
        };
        for (const [what, node] of acts) {
          const nodeId = `n${node}`;
          const client = clients.get(node);
          if (what === 'connect') {
            const ref = newcomer();
            clients.set(node, ref);
            manager.clientConnected(ref, { nodeId });
          } else if (what === 'store') manager.storeClientStream(nodeId, newcomer(), `at-${node % 2}`);
          else if (what === 'attach') manager.attachStream(nodeId, newcomer());
          else if (what === 'disconnect' && client) manager.clientDisconnected(client);
          else if (what === 'kill' && client) exit(client, 'kill');
          else if (what === 'killStream') {
            const stream = manager.getClientStream(nodeId);
            if (stream) exit(stream, 'kill');
          } else if (what === 'deliver') system.flush();
          look();
        }
        system.flush();
        look();
        expect(faults.flat()).toEqual([]);
        const { clients: known, streams } = manager.counts;
        expect(system.monitors).toBe(known + streams);
        for (const ref of everybody) exit(ref, 'kill');
        system.flush();
        expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
        unlisten();
        undo.unsubscribe();
      }),
      { numRuns: 200 },
    );
  });
});
