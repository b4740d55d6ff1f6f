/** What holds of every connection of a client: how it ends, how it is kept alive, what waits for it, what it knows after a return. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configure } from '../../src/configuration.js';
import type { ControlHandle } from '../../src/gateway/transport.js';
import { fromProcess } from '../../src/otp/index.js';
import { leftovers } from '../../src/otp/leaks.js';
import { VirtualGateway, Wire } from './virtual-gateway.js';
import { type Connected, WholeGateway } from './whole-gateway.js';

let whole: WholeGateway;

beforeEach(async () => {
  whole = await WholeGateway.start();
});

afterEach(() => whole.stop());

const bytes = (text: string): Buffer => Buffer.from(text);
const topics = ({ wire }: Connected): readonly string[] => wire.of('event').map(({ topic }) => topic);

describe('a connection that ends', () => {
  const ways: Record<string, (control: ControlHandle) => void> = {
    EOF: (control) => control.peerHalfClosed(),
    error: (control) => control.failed(new Error('reset')),
    cancel: (control) => control.peerCancelled(),
  };

  it.each(Object.keys(ways))('D-12 is torn down by %s as by any other end: nothing of it stays', async (way) => {
    const idle = leftovers(whole.system);
    const { control, wire } = await whole.hello('a', { endpoint: 'east' });
    const viewer = await whole.watch('a');
    control.subscribe('news.*');
    control.register('add', 0);
    ways[way]?.(control);
    await whole.settle();
    expect(whole.states).toEqual(['a grace']);
    expect(whole.manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
    expect(whole.manager.getStreamByEndpoint('east')).toBeUndefined();
    expect(whole.live.services()).toMatchObject([{ state: 'absent' }]);
    expect([wire.ends.length, viewer.wire.ends.length, whole.viewers]).toEqual([1, 1, 0]);
    await whole.pass(60_000);
    expect(leftovers(whole.system)).toEqual(idle);
  });
});

describe('a gateway that is told nothing of heartbeats', () => {
  it('D-13 beats every 5 s, answers the beats of clients, and ends who is silent for 30 s', async () => {
    const [beating, silent] = [await whole.hello('beating'), await whole.hello('silent')];
    expect(beating.wire.of('welcome')[0]?.heartbeatMs).toBe(5_000);
    for (let second = 5; second <= 30; second += 5) {
      beating.control.heartbeat(second);
      await whole.pass(5_000);
    }
    expect(silent.wire.of('heartbeat')).toHaveLength(5);
    expect(silent.wire.of('bye')).toMatchObject([{ reason: 'inactivity', reconnect: true }]);
    expect(whole.states).toEqual(['beating connected', 'silent grace']);
    const answers = beating.wire.of('heartbeat').map(({ timestampMs }) => timestampMs);
    expect(answers).toEqual(expect.arrayContaining([5, 10, 15, 20, 25, 30]));
  });

  it('D-13 asks silent connections whether they live, those to it and those from it', () => {
    const { grpc, channels } = configure({});
    expect(grpc.keepalive).toEqual({ timeMs: 10_000, timeoutMs: 5_000 });
    expect(channels.keepalive).toEqual({ timeMs: 30_000, timeoutMs: 5_000 });
  });
});

describe('what waits for a client that reads slowly', () => {
  /** Takes its welcome and nothing after it. */
  class SlowWire extends Wire {
    override send(...[word, done]: Parameters<Wire['send']>): void {
      super.send(word, word.type === 'welcome' ? done : undefined);
    }
  }

  it.each([
    ['frames', { queueFrames: 10, queueBytes: 1_000_000 }, 10],
    ['bytes', { queueFrames: 1_000, queueBytes: 4_000 }, 3],
  ])('D-14 is bounded in %s, and what is beyond is dropped by the policy and counted', async (_what, stream, most) => {
    const virtual = await VirtualGateway.start({ stream: { ...stream, overflow: 'drop_newest' } });
    try {
      const slow = await virtual.connect('slow', {}, new SlowWire());
      const other = await virtual.connect('other');
      slow.control.subscribe('news.*');
      for (let i = 0; i < 100; i += 1) other.control.publish(`news.${i}`, Buffer.alloc(1_000));
      await virtual.settle();
      const view = virtual.gateway.sessions.get('slow')?.client.control as unknown as {
        view(state: string): { readonly queued: number; readonly drops: number };
      };
      const { queued, drops } = view.view('');
      // One is with the wire, which has not taken it.
      expect(queued).toBeGreaterThan(0);
      expect(queued).toBeLessThanOrEqual(most + 1);
      expect(drops).toBeGreaterThanOrEqual(100 - most - 1);
      expect(virtual.gateway.clients.counts.clients).toBe(2);
    } finally {
      await virtual.stop();
    }
  });
});

describe('what a client has subscribed to and provides', () => {
  it('D-19 is in force again when it is back in its session, though it declares nothing, and only once', async () => {
    const [ann, bob] = [await whole.hello('ann'), await whole.hello('bob')];
    ann.control.subscribe('news.*');
    ann.control.register('add', 0);
    ann.control.peerCancelled();
    await whole.settle();
    const back = await whole.hello('ann', { resumeToken: ann.wire.of('welcome')[0]?.resumeToken ?? '' });
    expect(back.wire.of('welcome')[0]?.resumed).toBe(true);
    // As a client does that cannot know whether it was resumed.
    back.control.subscribe('news.*');
    back.control.register('add', 0);
    bob.control.publish('news.today', bytes('rain'));
    bob.control.call({ id: 'q', procedure: 'add', payload: bytes(''), timeoutMs: 0 });
    await whole.settle();
    expect(topics(back)).toEqual(['news.today']);
    expect(back.wire.of('call')).toHaveLength(1);
    expect(whole.live.resources()).toMatchObject({ services: 1, topics: 1 });
  });

  it('D-19 is nothing in a fresh session, which says that it is fresh: no stale set answers for it', async () => {
    const [ann, bob] = [await whole.hello('ann'), await whole.hello('bob')];
    ann.control.subscribe('news.*');
    ann.control.register('add', 0);
    ann.control.peerCancelled();
    await whole.settle();
    const fresh = await whole.hello('ann');
    expect(fresh.wire.of('welcome')[0]?.resumed).toBe(false);
    expect(whole.live.resources()).toMatchObject({ services: 0, topics: 0 });
    bob.control.publish('news.today', bytes('rain'));
    fresh.control.subscribe('news.*');
    bob.control.publish('news.tomorrow', bytes('sun'));
    await whole.settle();
    expect(topics(fresh)).toEqual(['news.tomorrow']);
  });
});

describe('a gateway that has stopped', () => {
  const captions = fromProcess<undefined>(() => ({}), { kind: 'captions' });

  it('D-21 holds no timer, listener or abort hook of all that it had', async () => {
    const abort = new AbortController();
    const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
    const warm = await VirtualGateway.start();
    await warm.stop();
    const before = listeners();
    const virtual = await VirtualGateway.start({
      signal: abort.signal,
      cameras: [{ id: 'front', source: 'clip:', onDemand: false }],
    });
    for (let i = 0; i < 20; i += 1) {
      const { control } = await virtual.connect(`n${i}`);
      control.subscribe('news.*');
      control.register(`p${i}`, 0);
      control.call({ id: 'q', procedure: 'p0', payload: bytes(''), timeoutMs: 0 });
      await virtual.gateway.sessions.get(`n${i}`)?.apps.start({
        packageName: 'captions',
        child: ({ spawn }) => spawn(captions),
      });
      if (i % 3 === 0) control.peerCancelled();
    }
    await virtual.advance(1_000);
    expect(virtual.clock.pending).toBeGreaterThan(20);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    await virtual.stop();
    expect(virtual.clock.pending).toBe(0);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    expect(listeners()).toBe(before);
  });
});
