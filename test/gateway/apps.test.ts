/** Apps behind a real HTTP port and in this process; real actors; the gateway's clock is virtual. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { App, AppSpec } from '../../src/gateway/app.js';
import type { Session } from '../../src/gateway/session.js';
import { exit, fromProcess } from '../../src/otp/index.js';
import { ThirdParty } from './third-party.js';
import { type Connected, VirtualGateway } from './virtual-gateway.js';

let virtual: VirtualGateway;
let third: ThirdParty;

beforeEach(async () => {
  third = new ThirdParty();
  await third.listen();
  virtual = await VirtualGateway.start();
});

afterEach(async () => {
  await virtual.stop();
  expect(third.forged).toEqual([]);
  await third.close();
});

const remote = (packageName = 'captions'): AppSpec => ({ packageName, start: third.target(), stop: third.target() });

function sessionOf(nodeId: string): Session {
  const session = virtual.gateway.sessions.get(nodeId);
  if (!session) throw new Error(`no session ${nodeId}`);
  return session;
}

/** The app connects back, as it was told to. */
async function connectBack(session: Session, packageName = 'captions'): Promise<Connected> {
  return virtual.connect(`app-${packageName}`, { role: 'app', sessionId: session.id, packageName });
}

async function running(nodeId = 'user'): Promise<{ owner: Connected; session: Session; app: App; back: Connected }> {
  const owner = await virtual.connect(nodeId);
  const session = sessionOf(nodeId);
  const app = await session.apps.start(remote());
  await third.called(1);
  const back = await connectBack(session);
  expect(app.state).toBe('running');
  return { owner, session, app, back };
}

/** Without being asked, so that it can do nothing about it. */
function kill(session: Session, path: string): void {
  const victim = [...session.process.system.processes].find((process) => process.path === path);
  if (!victim) throw new Error(`there is no ${path}`);
  exit(victim.ref, 'kill');
}

const codes = (): string[] => virtual.events.map(({ type }) => type).filter((type) => /^(session|app)\./.test(type));

describe('an app behind a webhook', () => {
  it('S4-4 is told to start, connects back, and is told to stop when its session is disposed', async () => {
    const { owner, session, back } = await running();
    expect(third.calls[0]).toMatchObject({ type: 'app.start', nodeId: 'user', sessionId: session.id, restart: false });
    owner.control.bye('done');
    await third.called(2);
    expect(third.story).toEqual(['start captions', 'stop captions']);
    await virtual.settle();
    expect(back.wire.ended).toBeUndefined();
    expect(virtual.states).toEqual(['app-captions connected']);
  });

  it.each(['apps/app:captions', 'apps', ''])(
    'S4-4 is told to stop when its actor is killed, or whoever stands over it: session/%s',
    async (victim) => {
      const { session } = await running();
      const path = `${session.process.path}/${victim}`.replace(/\/$/, '');
      kill(session, path);
      await third.called(2);
      await virtual.settle();
      expect(third.story).toEqual(['start captions', 'stop captions']);
    },
  );

  it('is started anew by its session after the supervisor of its apps was killed', async () => {
    const { session } = await running();
    kill(session, `${session.process.path}/apps`);
    await third.called(2);
    await session.apps.start(remote());
    await third.called(3);
    expect(third.story).toEqual(['start captions', 'stop captions', 'start captions']);
  });

  it('is tried twice', async () => {
    third.answers.push(500);
    await virtual.connect('user');
    await sessionOf('user').apps.start(remote());
    await third.called(2);
    expect(third.story).toEqual(['start captions', 'start captions']);
  });

  it('S4-8 is stopped and started once when it drops and does not come back in its grace', async () => {
    const { app, back } = await running();
    back.control.peerCancelled();
    await virtual.settle();
    expect(app.state).toBe('grace');
    await virtual.advance(4_999);
    expect(third.calls).toHaveLength(1);
    await virtual.advance(1);
    await third.called(2);
    await until(() => app.state === 'pausing' || app.state === 'starting');
    await virtual.advance(0);
    await third.called(3);
    expect(third.story).toEqual(['start captions', 'stop captions (restart)', 'start captions']);
  });

  it('is left alone when it is back in the last millisecond of its grace', async () => {
    const { app, back, session } = await running();
    back.control.peerCancelled();
    await virtual.settle();
    await virtual.advance(4_999);
    await connectBack(session);
    await virtual.advance(60_000 - 31_000);
    expect(app.state).toBe('running');
    expect(third.story).toEqual(['start captions']);
  });

  it('S4-6 S4-7 S4-10 S4-18 is not started for an owner who is away, however long', async () => {
    const { owner, app, back } = await running();
    owner.control.peerCancelled();
    back.control.peerCancelled();
    await virtual.settle();
    await virtual.advance(5_000);
    expect(app.state).toBe('disconnected');
    expect(codes().filter((code) => code === 'app.resurrectionSkipped')).toHaveLength(1);
    await virtual.advance(50_000);
    expect(third.story).toEqual(['start captions']);
    await virtual.advance(120_000);
    await third.called(2);
    expect(third.story).toEqual(['start captions', 'stop captions']);
    expect(virtual.states).toEqual([]);
  });

  it('S4-21 tells the story of a lost user in order', async () => {
    const { owner, back } = await running();
    owner.control.peerCancelled();
    back.control.peerCancelled();
    await virtual.settle();
    await virtual.advance(65_000);
    await third.called(2);
    expect(codes()).toEqual([
      'app.started',
      'session.grace',
      'session.disposed',
      'app.resurrectionSkipped',
      'session.disposed',
      'app.stopped',
    ]);
  });

  it('S4-7 has an owner only while its client lives, at no moment a little longer', async () => {
    await virtual.connect('user');
    const session = sessionOf('user');
    const { client } = session;
    const replaced = virtual.connect('user');
    const moments: boolean[] = [];
    for (let moment = 0; moment < 200; moment += 1) {
      moments.push(session.connected && !client.process.alive);
      await Promise.resolve();
    }
    await replaced;
    expect(client.process.alive).toBe(false);
    expect(moments).not.toContain(true);
  });

  it('that went away during the grace is started once when its owner is back', async () => {
    const { owner, app, back } = await running();
    owner.control.peerCancelled();
    back.control.peerCancelled();
    await virtual.settle();
    await virtual.advance(30_000);
    expect(app.state).toBe('disconnected');
    await virtual.connect('user', { resumeToken: owner.wire.welcome.resumeToken });
    await third.called(2);
    expect(third.story).toEqual(['start captions', 'start captions']);
    await virtual.advance(1_000);
    expect(app.starts).toBe(2);
  });

  it('S4-12 D-17 is started ever more slowly when it never connects back, and no faster than the ceiling', async () => {
    await virtual.connect('user');
    const owner = virtual.gateway.sessions.get('user');
    const control = [...(owner?.streams ?? [])][0];
    const app = await sessionOf('user').apps.start(remote());
    third.answers.push(...Array<number>(1_000).fill(500));
    let startsBefore = 0;
    const perMinute: number[] = [];
    for (let minute = 0; minute < 6; minute += 1) {
      for (let second = 0; second < 60; second += 1) {
        await virtual.advance(1_000);
        (control as unknown as { heartbeat(stamp: number): void }).heartbeat(second);
        await until(() => app.state !== 'starting');
      }
      perMinute.push(app.starts - startsBefore);
      startsBefore = app.starts;
    }
    expect(perMinute[0]).toBeLessThanOrEqual(8);
    for (const starts of perMinute.slice(2)) expect(starts).toBeLessThanOrEqual(2);
    expect(perMinute.at(-1)).toBeGreaterThan(0);
  });

  it('is refused when it names a session or a package that is not there, or its owner', async () => {
    const { session } = await running();
    await expect(virtual.connect('x', { role: 'app', sessionId: 'no', packageName: 'captions' })).rejects.toThrow(
      /^session_not_found: hello.session_id/,
    );
    await expect(virtual.connect('x', { role: 'app', sessionId: session.id, packageName: 'no' })).rejects.toThrow(
      /^app_not_found: hello.package_name/,
    );
    await expect(
      virtual.connect('user', { role: 'app', sessionId: session.id, packageName: 'captions' }),
    ).rejects.toThrow(/^hello.node_id: an app needs a name of its own/);
  });
});

describe('a message to an app', () => {
  it('is delivered while it runs', async () => {
    const { session, back } = await running();
    expect(session.apps.send('captions', 'topic', Buffer.from('hi'))).toEqual({
      sent: true,
      resurrectionTriggered: false,
    });
    expect(back.wire.words.at(-1)).toEqual({ type: 'event', topic: 'topic', payload: Buffer.from('hi') });
  });

  it('says whether a start is under way, and is the reason for none', async () => {
    const { session, back } = await running();
    const send = () => session.apps.send('captions', 't', Buffer.alloc(0));
    back.control.bye('crashed');
    await virtual.settle();
    expect(send()).toMatchObject({ sent: false, resurrectionTriggered: false, error: 'app "captions" is grace' });
    await virtual.advance(5_000);
    expect(send()).toMatchObject({ sent: false, resurrectionTriggered: true });
    await third.called(2);
    expect(third.story).toEqual(['start captions', 'stop captions (restart)']);
  });

  it('S4-9 is refused while its owner is away, and starts nothing', async () => {
    const { owner, session } = await running();
    owner.control.peerCancelled();
    await virtual.settle();
    expect(session.apps.send('captions', 'topic', Buffer.from('hi'))).toEqual({
      sent: false,
      resurrectionTriggered: false,
      error: 'owner "user" is not connected',
    });
    expect(third.story).toEqual(['start captions']);
  });
});

describe('an app in this process', () => {
  const crashing = fromProcess<undefined>(
    () => ({
      receive: (event) => {
        if (event.type === 'app.message') throw new Error('on purpose');
      },
    }),
    { kind: 'translator' },
  );
  const local: AppSpec = { packageName: 'translator', child: ({ spawn }) => spawn(crashing) };

  it('is started anew after a crash, and takes nothing else with it', async () => {
    await virtual.connect('user');
    const app = await sessionOf('user').apps.start(local);
    await virtual.settle();
    expect(app.state).toBe('running');
    expect(sessionOf('user').apps.send('translator', 't', Buffer.alloc(0)).sent).toBe(true);
    await virtual.settle();
    expect(app.state).toBe('grace');
    await virtual.advance(5_000);
    await virtual.advance(0);
    expect(app.state).toBe('running');
    expect(app.starts).toBe(2);
    expect(virtual.states).toEqual(['user connected']);
  });

  it('ends with its session', async () => {
    const owner = await virtual.connect('user');
    await sessionOf('user').apps.start(local);
    await virtual.settle();
    owner.control.bye('done');
    await virtual.settle();
    expect(virtual.gateway.resources().actors.byKind['translator']).toBeUndefined();
  });
});

/** Real HTTP answers come when they come. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never came to hold');
    await virtual.settle();
  }
}
