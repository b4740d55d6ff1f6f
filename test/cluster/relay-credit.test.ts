/** Frames between two nodes, by credit: who does not say how far it is gets no more, and nobody else notices. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { RelaySender } from '../../src/cluster/relay-send.js';
import { RelayWatcher } from '../../src/cluster/relay-watch.js';
import {
  CREDIT_FRAMES,
  framesSubject,
  INTEREST_MS,
  INTEREST_TTL_MS,
  interestSubject,
  readRelay,
  writeInterest,
  writeRelay,
} from '../../src/cluster/relay-words.js';
import type { FrameConsumer } from '../../src/gateway/camera.js';
import type { Frame } from '../../src/gateway/frame.js';
import type { SourceError, SourceListener } from '../../src/gateway/frame-source.js';
import { VirtualClock } from '../../src/otp/clock.js';

const frameOf = (n: number): Frame => {
  const picture = Buffer.alloc(8);
  picture.writeUInt32BE(n);
  return { cameraId: 'door', seq: n, timestampMs: n, contentType: 'image/jpeg', key: true, picture, message: picture };
};

class Listener implements SourceListener {
  readonly numbers: number[] = [];
  openedTimes = 0;
  error: SourceError | undefined;
  opened = (): void => {
    this.openedTimes += 1;
  };
  picture = ({ data }: { data: Buffer }): void => void this.numbers.push(data.readUInt32BE());
  failed = (error: SourceError): void => {
    this.error = error;
  };
}

describe('a camera that other nodes watch', () => {
  let clock: VirtualClock;
  let hub: MemoryHub;
  let sender: RelaySender;
  let consumers: Set<FrameConsumer>;
  let slow: string[];
  let mayAct: boolean;
  let last: number;

  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await Promise.resolve();
  };
  const frames = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      last += 1;
      for (const consumer of consumers) consumer.push(frameOf(last));
      await settle();
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(Math.min(500, left));
      await settle();
    }
  };
  const watcherOf = (node: string, inc = 1): { watcher: RelayWatcher; listener: Listener } => {
    const watcher = new RelayWatcher();
    watcher.reachedBy({ node, inc: () => inc, media: hub.connect(), nodeOf: () => 'owner' });
    return { watcher, listener: new Listener() };
  };
  /** A node that says it is interested and then nothing more: stopped, or busy. */
  const mute = async (node: string): Promise<void> => {
    const interest = { camera: 'door', node, stream: `${node}/1/1`, got: 0, stop: false };
    hub.connect().publish(interestSubject('owner'), writeInterest(interest));
    await settle();
  };

  beforeEach(() => {
    clock = new VirtualClock();
    hub = new MemoryHub({ clock, ttlMs: 12_000, era: 1 });
    consumers = new Set();
    slow = [];
    mayAct = true;
    last = 0;
    sender = new RelaySender({
      node: 'owner',
      inc: () => 7,
      mayAct: () => mayAct,
      media: hub.connect(),
      clock,
      camera: (id) =>
        id === 'door'
          ? {
              join: (consumer) => {
                consumers.add(consumer);
                return () => void consumers.delete(consumer);
              },
            }
          : undefined,
      onSlow: (camera, node) => void slow.push(`${camera} ${node}`),
    });
  });

  afterEach(() => {
    sender.close();
    hub.close();
    expect(consumers.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('comes to one that keeps up without a gap', async () => {
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await settle();
    await frames(100);
    expect(listener.openedTimes).toBe(1);
    expect(listener.numbers).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(sender.views()).toEqual([{ camera: 'door', node: 'west', sent: 100, dropped: 0 }]);
    await attempt.close();
    await settle();
    expect(consumers.size, 'it is told at once that nobody watches').toBe(0);
  });

  it('is held back for one that says nothing: its credit, one that waits, the newest dropped; the others see every frame', async () => {
    await mute('east');
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await settle();
    await frames(30);
    expect(listener.numbers).toHaveLength(30);
    expect(sender.views()).toEqual([
      { camera: 'door', node: 'east', sent: CREDIT_FRAMES, dropped: 30 - CREDIT_FRAMES - 1 },
      { camera: 'door', node: 'west', sent: 30, dropped: 0 },
    ]);
    expect(slow, 'told once, by name').toEqual(['door east']);
    await attempt.close();
  });

  it('has its waiting frame sent, and then fresh ones, when that node is heard again', async () => {
    await mute('east');
    await frames(20);
    const got: number[] = [];
    hub.connect().subscribe(framesSubject('east', 'door'), (packed) => void got.push(packed.length));
    const interest = { camera: 'door', node: 'east', stream: 'east/1/1', got: CREDIT_FRAMES, stop: false };
    hub.connect().publish(interestSubject('owner'), writeInterest(interest));
    await settle();
    expect(got, 'the one that waited').toHaveLength(1);
    await frames(3);
    expect(got).toHaveLength(4);
  });

  it('goes on after all that was on its way was lost', async () => {
    await mute('east');
    await frames(CREDIT_FRAMES + 1);
    const interest = { camera: 'door', node: 'east', stream: 'east/1/1', got: 0, stop: false };
    const again = async (): Promise<void> => {
      hub.connect().publish(interestSubject('owner'), writeInterest(interest));
      await settle();
    };
    await again();
    expect(sender.views()[0]?.sent).toBe(CREDIT_FRAMES);
    await again();
    expect(sender.views()[0]?.sent).toBe(CREDIT_FRAMES + 1);
  });

  it('goes on behind what that node has where it was forgotten here and is asked for again', async () => {
    const interest = { camera: 'door', node: 'east', stream: 'east/1/1', got: 40, stop: false };
    const numbers: unknown[] = [];
    hub.connect().subscribe(framesSubject('east', 'door'), (packed) => {
      const { head } = readRelay(packed) ?? {};
      if (head?.type === 'frame') numbers.push(head.n);
    });
    hub.connect().publish(interestSubject('owner'), writeInterest(interest));
    await settle();
    await frames(30);
    expect(numbers, 'its credit and no more').toEqual(Array.from({ length: CREDIT_FRAMES }, (_, at) => 41 + at));
  });

  it('is not shown out of its order', async () => {
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await settle();
    await frames(5);
    const head = { stream: 'west/1/1', inc: 7, timestampMs: 0, contentType: 'image/jpeg', key: true } as const;
    const overtaken = writeRelay({ type: 'frame', n: 4, ...head }, Buffer.alloc(8, 9));
    hub.connect().publish(framesSubject('west', 'door'), overtaken);
    await settle();
    expect(listener.numbers).toEqual([1, 2, 3, 4, 5]);
    await attempt.close();
    await settle();
  });

  it('does not send the frame that waited once its node may not act', async () => {
    await mute('east');
    await frames(CREDIT_FRAMES + 1);
    mayAct = false;
    const interest = { camera: 'door', node: 'east', stream: 'east/1/1', got: CREDIT_FRAMES, stop: false };
    hub.connect().publish(interestSubject('owner'), writeInterest(interest));
    await settle();
    expect(sender.views()[0]?.sent).toBe(CREDIT_FRAMES);
  });

  it('is forgotten for one whose interest is not said again', async () => {
    await mute('east');
    expect(consumers.size).toBe(1);
    await pass(INTEREST_TTL_MS * 2);
    expect(consumers.size).toBe(0);
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await pass(INTEREST_TTL_MS * 3);
    expect(consumers.size, 'one that says it again stays').toBe(1);
    expect(INTEREST_MS).toBeLessThan(INTEREST_TTL_MS / 2);
    await attempt.close();
    await settle();
  });

  it('says nothing while its node may not act', async () => {
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await settle();
    await frames(3);
    mayAct = false;
    await frames(3);
    expect(listener.numbers).toEqual([1, 2, 3]);
    await attempt.close();
    await settle();
  });

  it('is taken from no incarnation older than one that was heard, and of no other stream', async () => {
    const { watcher, listener } = watcherOf('west');
    const attempt = watcher.source('door').open(listener, { clock });
    await settle();
    await frames(1);
    const forge = (inc: number, stream: string): void => {
      const head = { type: 'frame', stream, inc, n: 50, timestampMs: 0, contentType: 'image/jpeg', key: true } as const;
      hub.connect().publish(framesSubject('west', 'door'), writeRelay(head, Buffer.alloc(8, 9)));
    };
    forge(6, 'west/1/1');
    forge(7, 'west/1/0');
    await settle();
    expect(listener.numbers).toEqual([1]);
    await attempt.close();
    await settle();
  });

  it('fails here when its node is lost, has no such camera, or nobody has it', async () => {
    const { watcher, listener } = watcherOf('west');
    watcher.source('door').open(listener, { clock });
    watcher.nodeGone('owner');
    expect(listener.error).toMatchObject({ message: 'noconnection: owner is gone', final: false });
    const nowhere = new Listener();
    watcher.source('nowhere').open(nowhere, { clock });
    await settle();
    expect(nowhere.error?.message).toBe('owner: that gateway has no such camera');
    watcher.reachedBy(undefined);
    const alone = new Listener();
    watcher.source('door').open(alone, { clock });
    await pass(1);
    expect(alone.error?.message).toBe('no other gateway has the camera "door"');
  });
});
