/** A client of the audio bridge, a part of which crashes: its users are in their rooms again, once, or are told that it is over. */
import { describe, expect, it } from 'vitest';
import { atWork } from '../../src/otp/crash-barrier.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { eventually } from '../e2e/eventually.js';
import { clientOf, flows, listen, QUICK } from './audio-clients.js';
import { runGateway } from './running-gateway.js';

/** A client with Ann and Bob in the hall, and where its actors are found: who tells of an uplink is that uplink. */
async function twoInTheHall(uplink = QUICK) {
  const { gateway, address } = await runGateway({ cameras: [] });
  const uplinks: Process[] = [];
  const { client } = clientOf(address, {
    uplink,
    onEvent: ({ type }) => {
      if (type === 'uplink.connecting') uplinks.push(atWork.getStore() as Process);
    },
  });
  const [ann, bob] = [client.join({ userId: 'ann', room: 'hall' }), client.join({ userId: 'bob', room: 'hall' })];
  await Promise.all([ann.ready(), bob.ready()]);
  const [first] = uplinks as [Process];
  return { gateway, client, uplinks, ann, bob, first };
}

describe('a client of the audio bridge whose uplinks are killed with their supervisor', () => {
  it('S2-12 takes its users into their rooms again, and can still be left', async () => {
    const { gateway, ann, bob, first } = await twoInTheHall();
    const { participantId } = ann;
    exit((first.parent as Process).ref, 'kill');
    await eventually('a fresh session', () => ann.participantId !== participantId);
    await Promise.all([ann.ready(), bob.ready()]);
    await flows(ann, listen(bob));
    expect(gateway.rooms.users).toBe(2);
    await ann.leave();
    await ann.ended;
    await eventually('she is gone', () => gateway.rooms.users === 1);
  });
});

describe('a client of the audio bridge whose channels crash', () => {
  it('S2-12 takes its users into their rooms again', async () => {
    const { ann, bob, first } = await twoInTheHall();
    const { participantId } = ann;
    const root = (first.parent as Process).parent as Process;
    const channels = [...root.system.processes].find(({ path }) => path === `${root.path}/channels`) as Process;
    channels.crash(new Error('simulated: a crash'));
    await eventually('a fresh session', () => ann.participantId !== participantId);
    await Promise.all([ann.ready(), bob.ready()]);
    await flows(ann, listen(bob));
  });
});

describe('a user whose uplink has crashed and waits to be started again', () => {
  it('S2-13 that leaves meanwhile is over, and does not come back', async () => {
    const retry = { initialMs: 300, maxMs: 300, jitter: 0 };
    const { gateway, uplinks, ann, first } = await twoInTheHall({ ...QUICK, retry });
    first.crash(new Error('simulated: a crash'));
    await eventually('it has ended', () => first.gone);
    await ann.leave();
    await ann.ended;
    await eventually('she is gone', () => gateway.rooms.users === 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(uplinks).toHaveLength(2);
  });
});

describe('a client of the audio bridge that crashes as a whole', () => {
  it('tells its users that it is over', async () => {
    const { client, ann, bob, first } = await twoInTheHall();
    exit(((first.parent as Process).parent as Process).ref, 'kill');
    await Promise.all([ann.ended, bob.ended]);
    expect([ann.available, bob.available]).toEqual([false, false]);
    await expect(client.join({ userId: 'cid', room: 'hall' }).ready()).rejects.toThrow('the client has ended: killed');
    await eventually('all is given back', () => Object.keys(client.census()).length === 0);
  });
});
