/** Rooms that are killed while their backend is slow to give them back. On virtual time. */
import { describe, expect, it } from 'vitest';
import { EarWire } from './audio-town.js';
import { HeldBackend } from './paths/held-room.js';
import { WholeGateway } from './whole-gateway.js';

const ANN = { userId: 'ann', roomName: 'hall', token: '', roomUrl: '', targetIdentity: '' };

/** A gateway whose room `hall` has Ann in it. */
async function withAnn() {
  const backend = new HeldBackend();
  const whole = await WholeGateway.start({ cameras: [] }, { roomBackend: backend });
  const { audio } = whole.live;
  const joining = audio.join(ANN);
  await whole.settle();
  backend.listener?.opened();
  await joining;
  const wire = new EarWire();
  await audio.stream('ann', wire);
  return { backend, whole, audio, wire };
}

describe('a room that is killed', () => {
  it.each(['room:hall', 'room:hall/keeper'])(
    'tells its users at once, and is opened anew only when it was given back: %s',
    async (path) => {
      const { backend, whole, audio, wire } = await withAnn();
      await whole.kill(`sluice/rooms/${path}`);
      expect(wire.ends).toHaveLength(1);
      expect(audio.health()).toMatchObject({ sessions: 0, streams: 0 });
      const anew = audio.join(ANN);
      await whole.settle();
      expect([backend.opened, backend.closed]).toEqual([1, 1]);
      backend.finish();
      await whole.settle();
      expect(backend.opened).toBe(2);
      backend.listener?.opened();
      expect(await anew).toMatchObject({ participants: 1 });
      const stopped = whole.stop();
      await whole.settle();
      backend.finish();
      await stopped;
    },
  );
});

describe('a user who is on the way into a room that is lost', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'was in it before, or is taken into the next one of that name, and never enters what is closed: %i turns later',
    async (turns) => {
      const { backend, whole, audio } = await withAnn();
      const joining = audio.join({ ...ANN, userId: 'bob' });
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      backend.listener?.failed(new Error('the room is lost'));
      await whole.settle();
      backend.finish();
      await whole.settle();
      backend.listener?.opened();
      expect((await joining).participants).toBe(backend.opened - 1);
      expect(backend.late).toBe(0);
      const stopped = whole.stop();
      await whole.settle();
      backend.finish();
      await stopped;
    },
  );
});
