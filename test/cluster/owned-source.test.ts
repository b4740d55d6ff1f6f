/** The source of a camera that is a key, attempt by attempt, over real nodes on virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import { CLUSTER_DEFAULTS } from '../../src/cluster/options.js';
import { OwnedCameras } from '../../src/cluster/owned-cameras.js';
import type { FrameSource, SourceContext, SourceListener } from '../../src/gateway/frame-source.js';
import { type Clock, VirtualClock } from '../../src/otp/clock.js';
import { pass as passTime, settle } from './virtual-time.js';

const PICTURE = { contentType: 'image/jpeg', data: Buffer.from('a picture') };

/** What a camera hears of its attempt. */
class Heard implements SourceListener {
  readonly all: string[] = [];
  opened(): void {
    this.all.push('opened');
  }
  picture(): void {
    this.all.push('picture');
  }
  failed({ message }: Error): void {
    this.all.push(`failed: ${message}`);
  }
}

describe('an attempt at the source of a camera that several gateways have', () => {
  let clock: VirtualClock;
  let hub: MemoryHub;
  /** How long the process stood still altogether. Milliseconds. */
  let stoodMs = 0;
  let node: ClusterNode;
  let cameras: OwnedCameras;
  let source: FrameSource;
  let opened: { listener: SourceListener; context: SourceContext; closed: boolean }[];
  let undo: (() => Promise<void>)[];
  const relays: string[] = [];

  const pass = (ms: number): Promise<void> => passTime(clock, ms, 50);
  const join = (name: string, own: Clock): ClusterNode => {
    const one = new ClusterNode({ name, engine: hub.connect(), clock: own, random: () => 0.5 });
    const actor = createActor(nodeLogic(one), { clock: own });
    one.start((event) => actor.send(event));
    actor.start();
    undo.push(async () => {
      actor.stop();
      await one.engine.close();
      one.close();
    });
    return one;
  };
  const open = (): { readonly heard: Heard; close(): Promise<void> } => {
    const heard = new Heard();
    const attempt = source.open(heard, { clock });
    return { heard, close: () => attempt.close() };
  };

  beforeEach(async () => {
    clock = new VirtualClock();
    stoodMs = 0;
    undo = [];
    opened = [];
    relays.length = 0;
    hub = new MemoryHub({ clock, ttlMs: CLUSTER_DEFAULTS.ttlMs, era: 1 });
    const own: Clock = {
      now: () => clock.now() + stoodMs,
      wallMs: () => clock.wallMs(),
      setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
    node = join('here', own);
    cameras = new OwnedCameras({
      node: () => node,
      relay: (camera, from) => {
        relays.push(`${camera} from ${from}`);
        return { close: async () => {} };
      },
      onElsewhere: () => {},
    });
    const factory = cameras.sources(() => ({
      kind: 'door',
      label: 'door:',
      open: (listener, context) => {
        const one = { listener, context, closed: false };
        opened.push(one);
        return {
          close: async () => {
            one.closed = true;
          },
        };
      },
    }));
    source = factory('door://x', {}, { id: 'door' });
    await settle();
  });

  afterEach(async () => {
    for (const fn of undo) await fn();
    hub.close();
    expect(clock.pending).toBe(0);
  });

  it('opens the source under the token of its key, and gives the key back after the source is closed', async () => {
    const { heard, close } = open();
    await pass(50);
    expect(opened).toHaveLength(1);
    expect(opened[0]?.context.owner).toMatchObject({ key: 'camera.door', token: cameras.token('door') });
    opened[0]?.listener.opened();
    opened[0]?.listener.picture(PICTURE);
    expect(heard.all).toEqual(['opened', 'picture']);
    const closing = close();
    expect(node.held, 'not before it is closed').toBe(1);
    await closing;
    expect([opened[0]?.closed, node.held]).toEqual([true, 0]);
    await settle();
  });

  it('of a process that stood still for longer than its lease refuses and counts what comes first, and is over', async () => {
    const { heard, close } = open();
    await pass(50);
    stoodMs = CLUSTER_DEFAULTS.ttlMs;
    // No timer has fired yet: what waited in the socket is read first.
    expect(opened[0]?.listener.picture(PICTURE)).toBe(false);
    expect(opened[0]?.listener.picture(PICTURE)).toBe(false);
    expect(opened[0]?.closed).toBe(true);
    await settle();
    expect(heard.all).toEqual(['failed: fenced: another gateway may have this camera now']);
    expect(cameras.refused).toBe(2);
    expect(opened[0]?.context.owner?.current()).toBe(false);
    await close();
  });

  it('closed before its claim was answered opens nothing, and leaves the key free', async () => {
    const { close } = open();
    clock.advance(1);
    await close();
    await pass(100);
    expect(opened).toEqual([]);
    expect(node.held).toBe(0);
    expect(node.whereis('camera.door')).toBeUndefined();
  });

  it('takes the pictures of who holds the key and is heard, and says so in its label', async () => {
    const other = join('there', clock);
    await settle();
    other.claimExclusive('camera.door', () => {});
    await settle();
    const { close } = open();
    await pass(50);
    expect(relays).toEqual(['door from there']);
    expect(source.label).toBe('door: (from there)');
    expect(opened).toEqual([]);
    await close();
    expect(source.label).toBe('door:');
  });

  it('waits for who holds the key and is not heard, until the lease of that one has ended for a margin', async () => {
    const other = join('there', clock);
    await settle();
    other.claimExclusive('camera.door', () => {});
    await settle();
    await undo.pop()?.();
    const { ttlMs, marginMs, silenceMs } = CLUSTER_DEFAULTS;
    await pass(silenceMs + 600);
    const { close } = open();
    await pass(100);
    expect(source.label).toBe('door: (waits: held by there, which is not heard)');
    await pass(ttlMs - silenceMs - 700);
    expect(opened).toEqual([]);
    await pass(marginMs + 2_000);
    expect(opened).toHaveLength(1);
    expect(relays).toEqual([]);
    await close();
  });

  it('waits while this gateway has no lease', async () => {
    node.dropAll('fenced');
    const { heard, close } = open();
    await pass(1_000);
    expect(source.label).toBe('door: (waits: this gateway has no lease)');
    expect([opened, heard.all]).toEqual([[], []]);
    await close();
  });

  it.each([
    [
      'is fed by who publishes',
      { kind: 'push', label: 'push:', open: () => ({ close: async () => {} }), feed: () => {} },
    ],
    ['is another gateway’s', { kind: 'node', label: 'node:door', open: () => ({ close: async () => {} }) }],
  ])('is the source’s own where that %s', (_name, given) => {
    expect(cameras.sources(() => given)('x:', {}, { id: 'door' })).toBe(given);
  });
});
