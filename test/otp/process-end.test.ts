import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import {
  type Application,
  assertNoLeaks,
  type ChildSpec,
  call,
  type Down,
  ExitError,
  exit,
  fromProcess,
  link,
  monitor,
  type ProcessContext,
  processOf,
  type SupervisorOptions,
  sendAfter,
  start,
  startApplication,
  startChild,
  stop,
  supervisor,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

const idle = fromProcess(() => undefined);

async function begin(options: SupervisorOptions = {}): Promise<{ app: Application; clock: VirtualClock }> {
  const clock = new VirtualClock();
  return { app: await startApplication('top', options, { clock }), clock };
}

async function add(app: Application, spec: Omit<ChildSpec, 'id'> & { id?: string }): Promise<AnyActorRef> {
  const answer = await startChild(app.root, { id: 'a', ...spec });
  if (answer.error || !answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.ok;
}

async function end(app: Application): Promise<void> {
  await app.stop();
  assertNoLeaks(app.system);
}

/** A promise and what settles it. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

/** A worker that holds something which takes its time to be given back. */
const holding = (opened: Promise<void>, given: () => void = () => {}) =>
  fromProcess(({ scope }: ProcessContext<undefined>) => {
    scope.acquire('thing', async () => {
      await opened;
      given();
    });
    return undefined;
  });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a process that holds something', () => {
  it('is DOWN only after everything has been given back', async () => {
    const { app } = await begin();
    const { open, opened } = gate();
    const order: string[] = [];
    const ref = await add(app, { start: { logic: holding(opened, () => order.push('given')) }, restart: 'temporary' });
    monitor(ref, () => order.push('DOWN'));
    exit(ref, 'kill');
    await turn();
    expect(order).toEqual([]);
    open();
    await turn();
    expect(order).toEqual(['given', 'DOWN']);
    await end(app);
  });

  it('is replaced only after everything has been given back', async () => {
    const { app } = await begin({ intensity: 5 });
    const { open, opened } = gate();
    const ref = await add(app, { start: { logic: holding(opened) } });
    exit(ref, 'kill');
    await turn();
    expect(app.system.processes.size).toBe(2);
    expect((await whichChildren(app.root))[0]?.child).toBe(ref);
    open();
    await turn();
    expect((await whichChildren(app.root))[0]?.child).not.toBe(ref);
    await end(app);
  });

  it('is abandoned, and says so, when it takes longer than five seconds', async () => {
    const { app, clock } = await begin();
    const abandoned: string[] = [];
    app.system.on((event) => {
      if (event.type === 'process.abandoned') abandoned.push(event.process.path);
    });
    const { open, opened } = gate();
    const ref = await add(app, { start: { logic: holding(opened) }, restart: 'temporary' });
    const downs: Down[] = [];
    monitor(ref, (down) => downs.push(down));
    exit(ref, 'kill');
    clock.advance(4_999);
    expect(downs).toEqual([]);
    clock.advance(1);
    await turn();
    expect(downs).toHaveLength(1);
    expect(abandoned).toEqual(['top/a']);
    open();
    await turn();
    await end(app);
  });
});

describe('a supervisor that is killed', () => {
  const sup = (child: ChildSpec): Omit<ChildSpec, 'id'> => ({
    type: 'supervisor',
    restart: 'temporary',
    start: { logic: supervisor({ children: [child] }) },
  });

  it('leaves nobody behind while it waits for a child that does not end', async () => {
    const { app } = await begin();
    const deaf = fromProcess(() => ({ terminate: () => new Promise(() => {}) }), { trapExit: true });
    const ref = await add(app, sup({ id: 'deaf', start: { logic: deaf } }));
    void stop(ref).catch(() => {});
    app.system.flush();
    expect(app.system.processes.size).toBe(3);
    exit(ref, 'kill');
    app.system.flush();
    expect([...app.system.processes].map(({ path }) => path)).toEqual(['top']);
    await end(app);
  });

  it('leaves nobody behind while it waits for a child that starts', async () => {
    const { app } = await begin();
    const slow = fromProcess(() => new Promise<undefined>(() => {}));
    const answer = startChild(app.root, { id: 'a', ...sup({ id: 'slow', start: { logic: slow } }) });
    app.system.flush();
    const middle = [...app.system.processes].find(({ path }) => path === 'top/a');
    expect([...app.system.processes].map(({ path }) => path)).toEqual(['top', 'top/a', 'top/a/slow']);
    exit(middle?.ref as AnyActorRef, 'kill');
    app.system.flush();
    expect((await answer).error).toEqual({ code: 'start_failed', reason: 'killed' });
    expect([...app.system.processes].map(({ path }) => path)).toEqual(['top']);
    await end(app);
  });

  it('leaves no timer behind', async () => {
    const { app, clock } = await begin();
    const deaf = fromProcess(() => ({ terminate: () => new Promise(() => {}) }), { trapExit: true });
    const ref = await add(app, sup({ id: 'deaf', start: { logic: deaf }, shutdown: 1_000 }));
    void stop(ref).catch(() => {});
    app.system.flush();
    expect(clock.pending).toBe(1);
    exit(ref, 'kill');
    app.system.flush();
    expect(clock.pending).toBe(0);
    await end(app);
  });
});

describe('a start that spawns and then fails', () => {
  it('leaves nobody behind', async () => {
    const { app } = await begin();
    const answer = await startChild(app.root, {
      id: 'a',
      start: ({ spawn }) => {
        spawn(idle);
        throw new Error('after all not');
      },
    });
    expect(answer.error?.code).toBe('start_failed');
    expect(app.system.processes.size).toBe(1);
    await end(app);
  });
});

describe('a process that starts asynchronously', () => {
  it('is waited for by its supervisor, and gets what came meanwhile', async () => {
    const { app } = await begin();
    const { open, opened } = gate();
    const seen: string[] = [];
    const slow = fromProcess(async () => {
      await opened;
      return { receive: (event: { type: string }) => void seen.push(event.type) };
    });
    const answer = startChild(app.root, { id: 'a', start: { logic: slow } });
    app.system.flush();
    [...app.system.processes].find(({ id }) => id === 'a')?.ref.send({ type: 'early' });
    open();
    expect((await answer).error).toBeUndefined();
    expect(seen).toEqual(['early']);
    await end(app);
  });

  it('is killed when its start takes longer than it may', async () => {
    const { app, clock } = await begin();
    const ref = await add(app, { start: { logic: idle } });
    const answer = start(
      ref,
      fromProcess(() => new Promise<undefined>(() => {})),
      { id: 'slow', timeout: 20 },
    );
    clock.advance(20);
    expect(await answer).toEqual({ error: 'timeout' });
    await end(app);
  });

  it('ends with whoever started it', async () => {
    const { app } = await begin();
    const ref = await add(app, { start: { logic: idle }, restart: 'temporary' });
    const { ok } = (await start(ref, idle, { id: 'inner' })) as { ok: AnyActorRef };
    exit(ref, 'kill');
    app.system.flush();
    expect(processOf(ok)?.alive).toBe(false);
    await end(app);
  });
});

describe('a call whose caller ends', () => {
  it('is forgotten by both sides', async () => {
    const { app } = await begin({ intensity: 5 });
    const silent = await add(app, { id: 'silent', start: { logic: idle } });
    const caller = await add(app, { id: 'caller', start: { logic: idle }, restart: 'temporary' });
    const answer = call(silent, 'anything', { from: caller });
    exit(caller, 'kill');
    app.system.flush();
    await expect(answer).rejects.toBeInstanceOf(ExitError);
    expect(processOf(silent)?.pendingCalls?.size).toBe(0);
    await end(app);
  });
});

describe('a message for later', () => {
  it('arrives in its time, and is forgotten when its receiver ends first', async () => {
    const { app, clock } = await begin();
    const seen: string[] = [];
    const logic = fromProcess(() => ({ receive: ({ type }) => void seen.push(type) }));
    const ref = await add(app, { start: { logic }, restart: 'temporary' });
    sendAfter(ref, { type: 'soon' }, 10);
    sendAfter(ref, { type: 'never' }, 20);
    clock.advance(15);
    exit(ref, 'kill');
    clock.advance(15);
    expect(seen).toEqual(['soon']);
    expect(clock.pending).toBe(0);
    await end(app);
  });
});

describe('linking to the dead', () => {
  it('is the crash of a caller that neither traps exits nor catches', async () => {
    const { app } = await begin();
    const dead = await add(app, { id: 'dead', start: { logic: idle }, restart: 'temporary' });
    exit(dead, 'kill');
    const linker = fromProcess(({ self }) => ({ receive: () => link(self, dead) }));
    const ref = await add(app, { id: 'linker', start: { logic: linker }, restart: 'temporary' });
    const downs: Down[] = [];
    monitor(ref, (down) => downs.push(down));
    ref.send({ type: 'go' });
    app.system.flush();
    expect(downs[0]?.reason).toMatchObject({ reason: 'noproc' });
    await end(app);
  });
});
