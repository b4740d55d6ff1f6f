/** What anybody can see of the client manager while clients and streams come and die in any order. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { ClientManager } from '../../src/gateway/client-manager.js';
import { exit } from '../../src/otp/signals.js';
import { Managed } from './managed.js';

let managed: Managed;
let manager: ClientManager;

beforeEach(async () => {
  managed = await Managed.start();
  ({ manager } = managed);
});

afterEach(() => managed.stop());

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
        const unlisten = managed.system.on(look);
        const undo = (managed.place.ref as AnyActorRef).subscribe(look);
        const clients = new Map<number, AnyActorRef>();
        const everybody: AnyActorRef[] = [];
        const newcomer = (): AnyActorRef => {
          const ref = managed.somebody();
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
          } else if (what === 'deliver') managed.system.flush();
          look();
        }
        managed.system.flush();
        look();
        expect(faults.flat()).toEqual([]);
        const { clients: known, streams } = manager.counts;
        expect(managed.system.monitors).toBe(known + streams);
        for (const ref of everybody) exit(ref, 'kill');
        managed.system.flush();
        expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
        unlisten();
        undo.unsubscribe();
      }),
      { numRuns: 200 },
    );
  });
});
