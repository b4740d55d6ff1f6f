/** A cloud with users of its own, whom it takes into rooms of an audio bridge for as long as they are there. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AudioConnection } from '../../src/grpc/audio-connection.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { eventually } from '../e2e/eventually.js';
import { clientOf } from './audio-clients.js';
import { runGateway } from './running-gateway.js';

describe('a cloud whose users come and go over connections of their own', () => {
  it('S2-29 joins the room and streams anew for each session that a user begins, and for nobody who is not there', async () => {
    const { gateway: bridge, address } = await runGateway({ cameras: [] });
    const { gateway: cloud, address: front } = await runGateway({ cameras: [], session: { graceMs: 100 } });
    const { client } = clientOf(address);
    const joined: AudioConnection[] = [];
    const bySession = new Map<string, AudioConnection>();
    cloud.on('process.started', ({ kind, actor }) => {
      if (kind !== 'client') return;
      const connection = client.join({ userId: actor.split('/').at(-2) ?? '', room: 'hall' });
      bySession.set(actor, connection);
      joined.push(connection);
    });
    cloud.on('process.down', ({ actor }) => void bySession.get(actor)?.leave());

    const connect = async () => {
      const user = createGatewayClient(front);
      onTestFinished(() => user.close());
      await new Promise<void>((resolve) => {
        const control = user.connect({ message: () => resolve(), ended: () => {} });
        control.send({ case: 'hello', value: { nodeId: 'ann' } });
      });
      return user;
    };
    const first = await connect();
    await joined[0]?.ready();
    const before = joined[0]?.participantId;
    first.close();
    await joined[0]?.ended;
    await eventually('nobody is in the room', () => bridge.rooms.users === 0);

    await connect();
    await joined[1]?.ready();
    expect(joined).toHaveLength(2);
    expect(joined[1]?.participantId).not.toBe(before);
    expect(bridge.rooms.views()).toMatchObject([
      { participants: 1, users: [{ userId: 'session:ann', state: 'attached', id: joined[1]?.participantId }] },
    ]);
  });
});
