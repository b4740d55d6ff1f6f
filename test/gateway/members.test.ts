/** What a session has declared, through graces, crashes and slow readers: a whole gateway on virtual time. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GatewayHostOptions } from '../../src/create-gateway.js';
import { VirtualGateway, Wire } from './virtual-gateway.js';

const bytes = (text: string): Buffer => Buffer.from(text);

async function start(options: GatewayHostOptions = {}): Promise<VirtualGateway> {
  const virtual = await VirtualGateway.start({
    session: { inactivityMs: 10_000_000, heartbeatMs: 9_000_000 },
    ...options,
  });
  onTestFinished(() => virtual.stop());
  return virtual;
}

const heard = (wire: Wire): string[] => wire.words.flatMap((word) => (word.type === 'event' ? [word.topic] : []));
const kinds = (wire: Wire): string[] => wire.words.map(({ type }) => type);
const streamOf = (virtual: VirtualGateway, nodeId: string) =>
  virtual.gateway.sessions.get(nodeId)?.client.control?.view('');

/** Kills one desk of the core; its successor is there when this resolves. */
async function crash(virtual: VirtualGateway, kind: string): Promise<void> {
  expect(virtual.kill(kind)).toBe(1);
  await virtual.settle();
}

describe('a session that subscribed and registered', () => {
  it('keeps both over a resume; what it missed in its grace is dropped and counted', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    ann.control.subscribe('a.*');
    ann.control.register('add', 0);
    ann.control.peerCancelled();
    await virtual.settle();
    expect(virtual.states).toEqual(['ann grace', 'bob connected']);
    for (const topic of ['a.1', 'a.2']) bob.control.publish(topic, bytes(''));
    expect(virtual.gateway.resources()).toMatchObject({ services: 1, topics: 1 });
    const back = await virtual.connect('ann', { resumeToken: ann.wire.welcome.resumeToken });
    bob.control.publish('a.3', bytes(''));
    expect([heard(ann.wire), heard(back.wire)]).toEqual([[], ['a.3']]);
    expect(streamOf(virtual, 'ann')).toMatchObject({ drops: 2 });
    bob.control.call({ id: 'q', procedure: 'add', payload: bytes(''), timeoutMs: 0 });
    expect(kinds(back.wire)).toEqual(['welcome', 'event', 'call']);
  });

  it('counts as absent in its grace: who asks hears provider_down at once', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    ann.control.register('add', 0);
    bob.control.call({ id: 'before', procedure: 'add', payload: bytes(''), timeoutMs: 60_000 });
    ann.control.peerCancelled();
    await virtual.settle();
    bob.control.call({ id: 'after', procedure: 'add', payload: bytes(''), timeoutMs: 60_000 });
    await virtual.settle();
    const replies = bob.wire.words.flatMap((word) => (word.type === 'reply' ? [`${word.id} ${word.error?.code}`] : []));
    expect(replies).toEqual(['before provider_down', 'after provider_down']);
    expect(virtual.gateway.services.views()).toMatchObject([{ state: 'absent' }]);
  });

  it('answers no question from before its resume', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    ann.control.register('add', 0);
    bob.control.call({ id: 'q', procedure: 'add', payload: bytes(''), timeoutMs: 60_000 });
    const question = ann.wire.words.find((word) => word.type === 'call');
    ann.control.peerCancelled();
    await virtual.settle();
    const back = await virtual.connect('ann', { resumeToken: ann.wire.welcome.resumeToken });
    back.control.reply({ id: question?.type === 'call' ? question.id : '', payload: bytes('late') });
    await virtual.settle();
    expect(kinds(bob.wire)).toEqual(['welcome', 'reply']);
    expect(bob.wire.words[1]).toMatchObject({ error: { code: 'provider_down' } });
  });

  it('is forgotten when its grace is over, and when it leaves', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    for (const { control } of [ann, bob]) {
      control.subscribe('a.*');
      control.register('add', 0);
    }
    ann.control.peerCancelled();
    bob.control.bye('done');
    await virtual.settle();
    expect(virtual.gateway.resources()).toMatchObject({ services: 1, topics: 1 });
    await virtual.advance(60_000);
    expect(virtual.gateway.resources()).toMatchObject({ sessions: 0, services: 0, topics: 0 });
  });

  it('is forgotten when it is superseded by a fresh one, which begins with nothing', async () => {
    const virtual = await start();
    const ann = await virtual.connect('ann');
    ann.control.subscribe('a.*');
    ann.control.register('add', 0);
    const again = await virtual.connect('ann');
    expect(virtual.gateway.resources()).toMatchObject({ sessions: 1, services: 0, topics: 0 });
    again.control.publish('a.1', bytes(''));
    expect(heard(again.wire)).toEqual([]);
  });

  it('L12 keeps everything when a desk of the core crashes, whichever it is', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    ann.control.subscribe('a.*');
    ann.control.register('add', 0);
    const { monitors } = virtual.gateway.resources();
    for (const kind of ['client-manager', 'topics', 'services', 'calls']) {
      await crash(virtual, kind);
      bob.control.publish(`a.${kind}`, bytes(''));
      bob.control.call({ id: kind, procedure: 'add', payload: bytes(''), timeoutMs: 0 });
      const question = ann.wire.words.at(-1);
      ann.control.reply({ id: question?.type === 'call' ? question.id : '', payload: bytes('yes') });
      await virtual.settle();
    }
    expect(heard(ann.wire)).toEqual(['a.client-manager', 'a.topics', 'a.services', 'a.calls']);
    const replies = bob.wire.words.flatMap((word) => (word.type === 'reply' && !word.error ? [word.id] : []));
    expect(replies).toEqual(['client-manager', 'topics', 'services', 'calls']);
    expect(virtual.gateway.resources().monitors).toBe(monitors);
  });

  it('S3-21 L13 loses a registration that nobody used for its time, unless it beats', async () => {
    const virtual = await start();
    const [ann, bob] = [await virtual.connect('ann'), await virtual.connect('bob')];
    for (const { control } of [ann, bob]) control.register('add', 0);
    for (let minute = 0; minute < 6; minute += 1) {
      bob.control.heartbeat(minute);
      await virtual.advance(60_000);
    }
    expect(virtual.gateway.services.views().map(({ nodeId }) => nodeId)).toEqual(['bob']);
    expect(virtual.events.filter(({ type }) => type === 'swept')).toMatchObject([{ detail: { services: 1 } }]);
    await crash(virtual, 'services');
    expect(virtual.gateway.services.views().map(({ nodeId }) => nodeId)).toEqual(['bob']);
  });
});

describe('a provider that comes back', () => {
  it('L13 is heard by that: its registrations live for their whole time again', async () => {
    const virtual = await start();
    const ann = await virtual.connect('ann');
    ann.control.register('add', 40_000);
    ann.control.peerCancelled();
    await virtual.advance(30_000);
    await virtual.connect('ann', { resumeToken: ann.wire.welcome.resumeToken });
    await virtual.advance(30_000);
    expect([...virtual.gateway.services.providersOf('add')]).toHaveLength(1);
    await virtual.advance(10_000);
    expect([...virtual.gateway.services.providersOf('add')]).toHaveLength(0);
  });
});

/** A wire that takes what it is given only when it is told to. */
class SlowWire extends Wire {
  readonly #taken: ((error?: Error | null) => void)[] = [];

  override send(word: Parameters<Wire['send']>[0], done: (error?: Error | null) => void = () => {}): void {
    super.send(word);
    this.#taken.push(done);
  }

  /** Takes what it was given so far, and what follows from that. */
  take(count = Number.POSITIVE_INFINITY): void {
    for (let taken = 0; taken < count; taken += 1) {
      const done = this.#taken.shift();
      if (!done) return;
      done();
    }
  }
}

async function slowReader(virtual: VirtualGateway) {
  const wire = new SlowWire();
  const { control: writer } = await virtual.connect('writer');
  const { control } = await virtual.connect('reader', {}, wire);
  wire.take();
  control.subscribe('**');
  return { wire, control, writer };
}

describe('a client that reads slowly', () => {
  it('keeps as many publications waiting as the queue holds, and loses the newest, counted', async () => {
    const virtual = await start({ stream: { queueFrames: 3 } });
    const { wire, writer } = await slowReader(virtual);
    for (let n = 1; n <= 6; n += 1) writer.publish(`t.${n}`, bytes('x'));
    expect(heard(wire)).toEqual(['t.1']);
    expect(streamOf(virtual, 'reader')).toMatchObject({ drops: 2, queued: 3 });
    wire.take();
    expect(heard(wire)).toEqual(['t.1', 't.2', 't.3', 't.4']);
  });

  it('is held to the bytes of its queue too', async () => {
    const virtual = await start({ stream: { queueBytes: 1_000 } });
    const { wire, writer } = await slowReader(virtual);
    for (let n = 1; n <= 5; n += 1) writer.publish(`t.${n}`, Buffer.alloc(400));
    wire.take();
    expect(heard(wire)).toEqual(['t.1', 't.2', 't.3']);
  });

  it('hears words of control at once: they do not wait behind publications, and none is dropped', async () => {
    const virtual = await start({ stream: { queueFrames: 3 } });
    const { wire, control, writer } = await slowReader(virtual);
    control.register('add', 0);
    for (let n = 1; n <= 10; n += 1) writer.publish(`t.${n}`, bytes('x'));
    control.heartbeat(7);
    writer.call({ id: 'q', procedure: 'add', payload: bytes(''), timeoutMs: 0 });
    expect(kinds(wire)).toEqual(['welcome', 'event', 'heartbeat', 'call']);
    virtual.gateway.sessions.get('reader')?.end({ shutdown: 'drain' });
    await virtual.settle();
    expect(kinds(wire).at(-1)).toBe('bye');
  });

  it('is ended when it takes nothing for as long as is borne', async () => {
    const virtual = await start({ stream: { queueFrames: 3 } });
    const { wire, writer } = await slowReader(virtual);
    for (let n = 1; n <= 10; n += 1) writer.publish(`t.${n}`, bytes('x'));
    await virtual.advance(31_999);
    expect(wire.ended).toBeUndefined();
    await virtual.advance(1);
    expect(wire.ended).toMatch(/slow_consumer/);
    // A wire that takes at last what it was given is given nothing more.
    wire.take();
    expect(heard(wire)).toEqual(['t.1']);
  });

  it('is asked nothing more while it has not taken what it was asked', async () => {
    const virtual = await start({ stream: { queueBytes: 10_000 } });
    const { wire, control, writer } = await slowReader(virtual);
    control.unsubscribe('**');
    control.register('add', 0);
    for (let n = 0; n < 40; n += 1) {
      writer.call({ id: `q${n}`, procedure: 'add', payload: Buffer.alloc(1_000), timeoutMs: 0 });
    }
    expect(kinds(wire).filter((kind) => kind === 'call')).toHaveLength(10);
    wire.take();
    writer.call({ id: 'again', procedure: 'add', payload: Buffer.alloc(1_000), timeoutMs: 0 });
    expect(kinds(wire).filter((kind) => kind === 'call')).toHaveLength(11);
    expect(wire.ended).toBeUndefined();
  });

  it('is ended when the words of control that it does not take outgrow its queue', async () => {
    const virtual = await start({ stream: { queueBytes: 1_000 } });
    const { wire, control } = await slowReader(virtual);
    for (let n = 0; n < 100 && wire.ended === undefined; n += 1) control.heartbeat(n);
    await virtual.settle();
    expect(wire.ended).toMatch(/slow_consumer/);
    expect(wire.words.length).toBeLessThan(70);
  });
});
