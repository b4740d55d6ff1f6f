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
