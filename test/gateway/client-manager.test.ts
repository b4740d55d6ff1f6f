/** The client manager as an actor, under a supervisor: who it knows is alive, whatever happens to them or to itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { ClientManager } from '../../src/gateway/client-manager.js';
import { processOf } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { Managed } from './managed.js';

let managed: Managed;
let manager: ClientManager;

beforeEach(async () => {
  managed = await Managed.start();
  ({ manager } = managed);
});

afterEach(() => managed.stop());

const monitorsOf = (ref: AnyActorRef): number => processOf(ref)?.watchers?.size ?? 0;
const nodeIds = (): readonly string[] => [...manager.getAllNodeIds()].sort();

describe('a client manager', () => {
  it('M-C4 M-C12 starts with its limits, and knows nobody', async () => {
    await managed.stop();
    managed = await Managed.start({ clientsMax: 1 });
    ({ manager } = managed);
    expect(managed.place.process?.alive).toBe(true);
    expect(manager.getAllClients()).toEqual([]);
    expect(manager.clientConnected(managed.somebody(), { nodeId: 'n1' })).toBeUndefined();
    expect(manager.clientConnected(managed.somebody(), { nodeId: 'n2' })).toBe('max_clients_reached');
  });

  it('M-C5 ends when it is stopped, and then knows nobody and refuses everybody', async () => {
    const ref = managed.place.ref as AnyActorRef;
    await managed.application.stop();
    expect(processOf(ref)?.alive).toBe(false);
    expect(manager.clientConnected(ref, { nodeId: 'n1' })).toBe('noproc');
    expect(manager.getAllNodeIds()).toEqual([]);
  });

  it('M-C11 M-C17 M-C27 S3-24 answers every question about somebody who is not there', () => {
    const nobody = managed.somebody();
    expect(manager.getClientInfo(nobody)).toBeUndefined();
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(manager.isClientAlive(nobody)).toBe(false);
    expect(manager.storeClientStream('n1', managed.somebody())).toBe('not_found');
    expect(manager.attachStream('n1', managed.somebody())).toBe('not_found');
    manager.clientDisconnected(nobody);
    manager.releasePlace('n1');
    managed.kill(nobody);
    expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
    expect(managed.place.process?.alive).toBe(true);
  });
});

describe('clients', () => {
  it('M-C13 are listed', () => {
    const [one, other] = [managed.connected('n1'), managed.connected('n2')];
    expect(manager.getAllClients().map(({ ref }) => ref === one.client || ref === other.client)).toEqual([true, true]);
    expect(nodeIds()).toEqual(['n1', 'n2']);
  });

  it('M-C19 are all there when ten connect together', async () => {
    await Promise.all(Array.from({ length: 10 }, async (_, i) => managed.connected(`n${i}`)));
    expect(nodeIds()).toHaveLength(10);
  });

  it('M-C14 M-C15 are alive until they die', () => {
    const { client } = managed.connected('n1');
    expect(manager.isClientAlive(client)).toBe(true);
    exit(client, 'kill');
    expect(manager.isClientAlive(client)).toBe(false);
  });
});

describe('a client that is killed', () => {
  it('M-C7 M-C20 M-C22 S3-5 S3-9 is gone with its streams, without anybody calling', () => {
    const { client, stream } = managed.connected('n1', 'east');
    const ended: unknown[] = [];
    managed.system.on((event) => {
      if (event.type === 'process.down') ended.push(event.process.ref);
    });
    managed.kill(client);
    expect(manager.getAllClients()).toEqual([]);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(ended.includes(client)).toBe(true);
    expect(monitorsOf(stream)).toBe(0);
  });

  it('leaves the others as they are', () => {
    const { client } = managed.connected('n1');
    const other = managed.connected('n2');
    managed.kill(client);
    expect(nodeIds()).toEqual(['n2']);
    expect(manager.getClientStream('n2') === other.stream).toBe(true);
  });
});

describe('a client that disconnects', () => {
  it('M-C9 M-C10 M-C21 S3-3 S3-4 is gone with its streams; a second time is no error', () => {
    const { client, stream } = managed.connected('n1');
    manager.clientDisconnected(client);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getAllClients()).toEqual([]);
    manager.clientDisconnected(client);
    expect([monitorsOf(client), monitorsOf(stream)]).toEqual([0, 0]);
  });

  it('L1 D-7 and connects again on the same process is monitored once', () => {
    const client = managed.somebody();
    for (let time = 0; time < 5; time += 1) {
      expect(manager.clientConnected(client, { nodeId: 'n1' })).toBeUndefined();
      expect(monitorsOf(client)).toBe(1);
      manager.clientDisconnected(client);
      expect(monitorsOf(client)).toBe(0);
    }
    expect(managed.system.monitors).toBe(0);
  });

  it('S3-27 while it dies is gone all the same, in either order', () => {
    const [one, other] = [managed.connected('n1').client, managed.connected('n2').client];
    manager.clientDisconnected(one);
    exit(one, 'kill');
    exit(other, 'kill');
    manager.clientDisconnected(other);
    managed.system.flush();
    expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
  });
});

describe('a client that comes back under its node id from a new process', () => {
  it('D-1 L2 keeps its new stream when the old process dies', () => {
    const before = managed.connected('n1', 'east');
    const now = managed.connected('n1', 'east');
    managed.kill(before.client);
    managed.kill(before.stream);
    expect(manager.getClientStream('n1') === now.stream).toBe(true);
    expect(manager.getStreamByEndpoint('east') === now.stream).toBe(true);
    expect(manager.isClientAlive(now.client)).toBe(true);
  });

  it('keeps it too when the old one died first and was not yet heard of', () => {
    const before = managed.connected('n1');
    exit(before.client, 'kill');
    exit(before.stream, 'kill');
    const now = managed.connected('n1');
    managed.system.flush();
    expect(manager.getClientStream('n1') === now.stream).toBe(true);
    expect(manager.counts).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });
});

describe('a stream that dies', () => {
  it('L3 D-2 M-C28 is never handed out again; its client and its other streams stay', () => {
    const { client, stream } = managed.connected('n1', 'east');
    const other = managed.somebody();
    manager.attachStream('n1', other);
    managed.kill(stream);
    expect(manager.getClientStream('n1')).toBeUndefined();
    expect(manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(manager.isClientAlive(client)).toBe(true);
    expect(manager.counts).toEqual({ clients: 1, clientStreams: 0, streams: 1 });
  });

  it('L3 was dead already when it was stored: it goes as soon as that is known', () => {
    const client = managed.somebody();
    manager.clientConnected(client, { nodeId: 'n1' });
    const stream = managed.somebody();
    managed.kill(stream);
    manager.storeClientStream('n1', stream);
    managed.system.flush();
    expect(manager.getClientStream('n1')).toBeUndefined();
  });
});

describe('a client without a node id', () => {
  it('S3-8 L15 is refused, and its death crashes nobody', () => {
    const client = managed.somebody();
    expect(manager.clientConnected(client, { nodeId: '' })).toBe('node_id_required');
    expect(manager.clientConnected(client, {} as never)).toBe('node_id_required');
    const { client: other } = managed.connected('n2');
    managed.kill(client);
    manager.clientDisconnected(client);
    expect(managed.place.process?.restarts).toBe(0);
    expect(manager.isClientAlive(other)).toBe(true);
  });
});

describe('a client manager that is killed', () => {
  it('L12 D-9 is told anew of everybody alive, monitors them, and lets the dead be', () => {
    const [a, b] = [managed.connected('a', 'east'), managed.connected('b')];
    const call = managed.somebody();
    manager.attachStream('b', call);
    const ended = managed.somebody();
    managed.alive = [
      { client: a.client, info: { nodeId: 'a' } },
      { nodeId: 'a', stream: a.stream, control: true, endpoint: 'east' },
      { client: b.client, info: { nodeId: 'b' } },
      { nodeId: 'b', stream: b.stream, control: true },
      { nodeId: 'b', stream: call, control: false },
      { nodeId: 'nobody', stream: ended, control: true },
    ];
    const before = managed.place.process;
    exit(managed.place.ref as AnyActorRef, 'kill');
    managed.system.flush();
    expect(managed.place.process).toBeDefined();
    expect(managed.place.process === before).toBe(false);
    expect(nodeIds()).toEqual(['a', 'b']);
    expect(manager.getClientStream('a') === a.stream).toBe(true);
    expect(manager.getStreamByEndpoint('east') === a.stream).toBe(true);
    expect(manager.counts).toEqual({ clients: 2, clientStreams: 2, streams: 3 });
    expect([a.client, a.stream, b.client, b.stream, call].map(monitorsOf)).toEqual([1, 1, 1, 1, 1]);
    managed.kill(a.client);
    expect(nodeIds()).toEqual(['b']);
  });
});
