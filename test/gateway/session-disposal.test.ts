/**
 * The end of a session whose user is gone: when it comes, what it takes along, and that nothing of it is heard or said
 * afterwards. What is called media bridge and audio in the statements is here a stream: a viewer of a camera.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configure } from '../../src/configuration.js';
import type { AppSpec } from '../../src/gateway/app.js';
import type { Session } from '../../src/gateway/session.js';
import { fromProcess } from '../../src/otp/index.js';
import { leftovers } from '../../src/otp/leaks.js';
import { type Connected, WholeGateway } from './whole-gateway.js';

let whole: WholeGateway;

beforeEach(async () => {
  whole = await WholeGateway.start();
});

afterEach(() => whole.stop());

const bytes = (text: string): Buffer => Buffer.from(text);

function sessionOf(nodeId: string): Session {
  const session = whole.gateway.sessions.get(nodeId);
  if (!session) throw new Error(`no session ${nodeId}`);
  return session;
}

/** An app in this process that remembers what it is sent. */
function listening(packageName = 'captions'): { readonly spec: AppSpec; readonly heard: string[] } {
  const heard: string[] = [];
  const logic = fromProcess<undefined>(
    () => ({ receive: (event) => void heard.push((event as unknown as { topic: string }).topic) }),
    { kind: 'captions' },
  );
  return { spec: { packageName, child: ({ spawn }) => spawn(logic) }, heard };
}

/** What was noted of sessions and apps, in order. */
const story = (): string[] =>
  whole.live
    .events()
    .map(({ type }) => type)
    .filter((type) => /^(session|app)\./.test(type));

const kinds = (): Readonly<Record<string, number>> => whole.live.resources().actors.byKind;

/** A user with everything that a session may have. */
async function busyUser(nodeId = 'user') {
  const owner = await whole.hello(nodeId, { endpoint: `at-${nodeId}` });
  const session = sessionOf(nodeId);
  const { spec, heard } = listening();
  const app = await session.apps.start(spec);
  const viewer = await whole.watch(nodeId);
  owner.control.subscribe('news.*');
  owner.control.register('add', 0);
  await whole.pass(1_000);
  expect(app.state).toBe('running');
  expect(viewer.wire.frames.length).toBeGreaterThan(0);
  return { owner, session, app, heard, viewer };
}

/** Keeps somebody from being lost for silence while time passes. */
async function passHeard(ms: number, { control }: Connected): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 20_000) {
    control.heartbeat(0);
    await whole.pass(Math.min(leftMs, 20_000));
  }
}

describe('a gateway that is told nothing of graces', () => {
  it('S4-1 waits 60 s for a lost user, and then disposes the session', async () => {
    const { control } = await whole.hello('user');
    control.failed(new Error('reset'));
    await whole.pass(59_999);
    expect(whole.states).toEqual(['user grace']);
    await whole.pass(1);
    expect(whole.states).toEqual([]);
  });

  it('S4-27 has the safe values for the graces and for what limits starts', () => {
    const { session, app } = configure({});
    expect(session).toMatchObject({ graceMs: 60_000, inactivityMs: 30_000, tokenTtlMs: 600_000 });
    expect(app).toMatchObject({ graceMs: 5_000, attempts: 2 });
  });
});

describe('a gateway that is told of graces', () => {
  it('S4-27 keeps to them, and 0 is none at all', async () => {
    const short = await WholeGateway.start({ session: { graceMs: 7_000 }, app: { graceMs: 1_000 } });
    const none = await WholeGateway.start({ session: { graceMs: 0 } });
    try {
      (await short.hello('user')).control.peerCancelled();
      await short.pass(6_999);
      expect(short.states).toEqual(['user grace']);
      await short.pass(1);
      expect(short.states).toEqual([]);
      (await none.hello('user')).control.peerCancelled();
      await none.pass(0);
      expect(none.states).toEqual([]);
    } finally {
      await short.stop();
      await none.stop();
    }
  });

  it('S4-27 keeps to the grace of apps', async () => {
    const short = await WholeGateway.start({ app: { graceMs: 1_000 } });
    try {
      await short.hello('user');
      const session = short.gateway.sessions.get('user') as Session;
      const app = await session.apps.start(listening().spec);
      await short.settle();
      await short.kill([...short.system.processes].find(({ kind }) => kind === 'captions')?.path ?? '');
      expect(app.state).toBe('grace');
      await short.pass(999);
      expect(app.starts).toBe(1);
      await short.pass(1);
      await short.pass(0);
      expect(app.starts).toBe(2);
    } finally {
      await short.stop();
    }
  });
});

describe('a session that is disposed', () => {
  it('S4-4 has ended its streams, stopped its apps and left nothing that is counted', async () => {
    const idle = leftovers(whole.system);
    const { owner, app, viewer } = await busyUser();
    expect(kinds()).toMatchObject({ client: 1, stream: 2, captions: 1 });
    owner.control.peerCancelled();
    // The camera lets go of its source a while after its last viewer.
    await whole.pass(60_000);
    expect(viewer.wire.ends).toHaveLength(1);
    expect(owner.wire.ends).toHaveLength(1);
    expect(app.process.alive).toBe(false);
    expect(app.stops).toBe(1);
    expect(kinds()).not.toHaveProperty('captions');
    expect(whole.gateway.sessions.get('user')).toBeUndefined();
    expect(whole.live.resources()).toMatchObject({ sessions: 0, clients: 0, streams: 0, viewers: 0, orphans: 0 });
    expect(leftovers(whole.system)).toEqual(idle);
  });

  it('S4-17 is told of 65 s after its user was lost for the second time, with its streams ended and its apps stopped', async () => {
    const { owner, app, viewer } = await busyUser();
    owner.control.peerCancelled();
    await whole.settle();
    const there = await whole.hello('user', { resumeToken: owner.wire.of('welcome')[0]?.resumeToken ?? '' });
    expect(there.wire.of('welcome')[0]?.resumed).toBe(true);
    there.control.peerCancelled();
    await whole.pass(65_000);
    expect(story()).toEqual([
      'app.started',
      'session.grace',
      'session.resumed',
      'session.grace',
      'session.disposed',
      'app.stopped',
    ]);
    expect(viewer.wire.ends).toHaveLength(1);
    expect([app.stops, app.process.alive]).toEqual([1, false]);
  });

  it('S4-13 hears nothing that still comes over its wires, and says nothing', async () => {
    const other = await whole.hello('other');
    other.control.subscribe('**');
    const { owner, session, heard, viewer } = await busyUser();
    owner.control.peerCancelled();
    viewer.call.peerCancelled();
    await passHeard(60_000, other);
    expect(whole.states).toEqual(['other connected']);
    const [said, frames, events, idle] = [
      owner.wire.words.length,
      viewer.wire.frames.length,
      story(),
      leftovers(whole.system),
    ];
    // What was on its way when the session ended.
    const { control } = owner;
    control.heartbeat(1);
    control.heard();
    control.subscribe('late.*');
    control.register('late', 0);
    control.publish('news.late', bytes('late'));
    control.call({ id: 'late', procedure: 'add', payload: bytes(''), timeoutMs: 0 });
    control.reply({ id: 'late', payload: bytes('') });
    control.bye('late');
    control.failed(new Error('late'));
    viewer.call.failed(new Error('late'));
    expect(session.apps.send('captions', 'late', bytes(''))).toMatchObject({ sent: false });
    await passHeard(60_000, other);
    expect(heard).toEqual([]);
    expect(other.wire.of('event')).toEqual([]);
    expect(other.wire.of('call')).toEqual([]);
    expect([owner.wire.words.length, viewer.wire.frames.length]).toEqual([said, frames]);
    expect(story()).toEqual(events);
    expect(leftovers(whole.system)).toEqual(idle);
  });

  it('S4-23 S4-4 holds no timer, listener, monitor or buffer: every counter is where it was, whatever the end', async () => {
    // Once before, so that whatever is made at first use is there.
    for (const end of ['warm', 'lost', 'bye', 'superseded', 'killed', 'silent']) {
      const idle = { ...leftovers(whole.system), timersPending: whole.clock.pending };
      const { owner, session } = await busyUser();
      if (end === 'lost' || end === 'warm') owner.control.peerCancelled();
      else if (end === 'bye') owner.control.bye('done');
      else if (end === 'killed') session.process.terminate('killed');
      else if (end === 'superseded') (await whole.hello('user')).control.bye('done');
      await whole.pass(200_000);
      expect(whole.states, end).toEqual([]);
      if (end !== 'warm') expect({ ...leftovers(whole.system), timersPending: whole.clock.pending }, end).toEqual(idle);
    }
  });
});

describe('a word to a client whose connection is closed', () => {
  it('S4-14 is refused quietly: nothing is thrown, written, or told a thousand times', async () => {
    const other = await whole.hello('other');
    const { owner, session } = await busyUser();
    const control = session.client.control;
    owner.control.peerCancelled();
    await whole.settle();
    const said = owner.wire.words.length;
    const events = whole.live.events().length;
    for (let i = 0; i < 1_000; i += 1) {
      control?.say({ type: 'heartbeat', timestampMs: i });
      other.control.publish('news.today', bytes('rain'));
      expect(session.apps.send('captions', 'topic', bytes(''))).toMatchObject({ sent: false });
    }
    await whole.settle();
    expect(owner.wire.words).toHaveLength(said);
    expect(whole.live.events()).toHaveLength(events);
    expect(other.wire.ends).toEqual([]);
  });
});

describe('a user who goes to another server and is back within the grace', () => {
  it('S4-25 has the same session and apps here, and the camera the same source, which never stopped', async () => {
    const { owner, session, app, heard } = await busyUser();
    const attempts = whole.live.cameras()[0]?.attempts;
    // The other server is not in this test: from here it is seen as silence of some seconds, several times.
    let token = owner.wire.of('welcome')[0]?.resumeToken ?? '';
    let control = owner.control;
    for (let round = 1; round <= 5; round += 1) {
      control.peerCancelled();
      await whole.pass(3_000);
      const back = await whole.hello('user', { resumeToken: token });
      token = back.wire.of('welcome')[0]?.resumeToken ?? '';
      control = back.control;
      const { wire } = await whole.watch('user');
      await whole.pass(500);
      expect(wire.frames.length).toBeGreaterThan(0);
      expect(session.apps.send('captions', `round-${round}`, bytes('')).sent).toBe(true);
    }
    await whole.settle();
    expect(sessionOf('user')).toBe(session);
    expect(heard).toEqual(['round-1', 'round-2', 'round-3', 'round-4', 'round-5']);
    expect([app.starts, app.stops]).toEqual([1, 0]);
    expect(whole.live.cameras()[0]).toMatchObject({ attempts, viewers: 1 });
  });
});
