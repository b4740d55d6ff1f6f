/** Rooms over a backend of the host's: what it is asked, what becomes of rooms that it cannot open, and how it is given back. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGateway, type RoomBackend, type RoomEar, type RoomListener, type RoomRequest } from '../../src/index.js';
import { BEAT, EarWire, sound } from './audio-town.js';

/** A conference server elsewhere: it writes down what it is given, and says to everybody what it is told to. */
class Elsewhere implements RoomBackend {
  readonly kind = 'elsewhere';
  readonly asked: RoomRequest[] = [];
  readonly said: string[] = [];
  readonly ears = new Set<RoomEar>();
  listener: RoomListener | undefined;
  refusal: Error | undefined;
  closed = 0;

  open(request: RoomRequest, listener: RoomListener) {
    this.asked.push(request);
    this.listener = listener;
    queueMicrotask(() => (this.refusal ? listener.failed(this.refusal) : listener.opened()));
    return {
      enter: (ear: RoomEar) => {
        this.ears.add(ear);
        return () => void this.ears.delete(ear);
      },
      say: ({ userId }: RoomEar, { pcm }: { readonly pcm: Uint8Array }) =>
        void this.said.push(`${userId}:${pcm.length}`),
      close: () => {
        this.closed += 1;
      },
    };
  }
}

async function gatewayOver(roomBackend: Elsewhere) {
  const gateway = createGateway({ grpc: { port: 0 }, http: { port: 0 }, log: { level: 'silent' }, roomBackend });
  onTestFinished(async () => {
    await gateway.stop({ deadlineMs: 1_000 });
    expect(gateway.census()).toEqual({});
  });
  await gateway.start();
  return gateway;
}

const ANN = { userId: 'ann', roomName: 'hall', token: 'secret', roomUrl: 'wss://elsewhere', targetIdentity: '' };

describe("rooms over a host's own backend", () => {
  it('are opened with what the first user gave, carry what is said there, and are closed once', async () => {
    const backend = new Elsewhere();
    const { rooms } = await gatewayOver(backend);
    expect(await rooms.join(ANN)).toMatchObject({ backend: 'elsewhere', participants: 1 });
    expect(backend.asked).toEqual([{ name: 'hall', url: 'wss://elsewhere', token: 'secret' }]);
    const wire = new EarWire();
    const stream = await rooms.stream('ann', wire);
    stream.said(BEAT);
    stream.said(sound());
    expect(backend.said).toEqual(['ann:640']);
    for (const ear of backend.ears) ear.hear({ userId: 'far', ...sound(), message: Buffer.alloc(5) });
    expect(wire.heard).toEqual(['far/0:640']);
    await rooms.leave('ann', '');
    expect(backend.ears.size).toBe(0);
    await rooms.join({ ...ANN, userId: 'bob' });
    expect([backend.asked.length, backend.closed]).toEqual([2, 1]);
  });

  it('that it cannot open are refused, and asked for anew by the next who comes', async () => {
    const backend = new Elsewhere();
    backend.refusal = new Error('no such room');
    const { rooms } = await gatewayOver(backend);
    await expect(rooms.join(ANN)).rejects.toThrow('channel_failed: room "hall": no such room');
    backend.refusal = undefined;
    await expect(rooms.join(ANN)).resolves.toMatchObject({ participants: 1 });
  });

  it('that it loses end for everybody in them', async () => {
    const backend = new Elsewhere();
    const { rooms } = await gatewayOver(backend);
    await rooms.join(ANN);
    const wire = new EarWire();
    await rooms.stream('ann', wire);
    backend.listener?.failed(new Error('the line is dead'));
    await expect.poll(() => rooms.size).toBe(0);
    expect(wire.ends).toEqual(['shutdown: room_lost']);
    expect(rooms.status('ann')).toMatchObject({ joined: undefined, lastDisconnect: { reason: 'room_lost' } });
  });

  it('are told of in events without the token', async () => {
    const backend = new Elsewhere();
    const gateway = await gatewayOver(backend);
    const events: string[] = [];
    gateway.on('*', (event) => events.push(JSON.stringify(event)));
    await gateway.rooms.join(ANN);
    await gateway.rooms.leave('ann', '');
    expect(events.join('\n')).not.toContain('secret');
    expect(JSON.stringify(gateway.rooms.views())).not.toContain('secret');
  });
});
