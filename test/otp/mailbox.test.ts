import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import {
  type Application,
  assertNoLeaks,
  type ChildSpec,
  call,
  cast,
  exit,
  fromProcess,
  link,
  type MailboxOptions,
  monitor,
  processOf,
  startApplication,
  startChild,
  stop,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

let app: Application;
let seen: string[];

/** Says what it gets, in the order in which it gets it. */
const listener = (mailbox?: MailboxOptions, opened?: Promise<void>) =>
  fromProcess(
    () => {
      const handlers = {
        receive: ({ type }: { type: string }) => void seen.push(type),
        call: (request: unknown, reply: (answer: unknown) => void) => reply(request),
        terminate: () => void seen.push('terminate'),
      };
      return opened ? opened.then(() => handlers) : handlers;
    },
    { trapExit: true, ...(mailbox ? { mailbox } : {}) },
  );

async function start(child: Partial<ChildSpec>): Promise<AnyActorRef> {
  seen = [];
  const spec = { id: 'a', start: { logic: listener() }, ...child };
  app = await startApplication('top', { children: [spec] }, { clock: new VirtualClock() });
  return (await whichChildren(app.root))[0]?.child as AnyActorRef;
}

afterEach(async () => {
  await app.stop();
  assertNoLeaks(app.system);
});

const reasonOf = (asked: Promise<unknown>) => asked.then(String, ({ reason }) => reason);

describe('a full mailbox that refuses', () => {
  const mailbox: MailboxOptions = { max: 2, overflow: 'refuse' };

  it('D-29 answers who casts with false and who calls with mailbox_full, and throws into nobody', async () => {
    const ref = await start({ start: { logic: listener(mailbox) } });
    expect([cast(ref, { type: '1' }), cast(ref, { type: '2' }), cast(ref, { type: '3' })]).toEqual([true, true, false]);
    const refused = reasonOf(call(ref, 'question'));
    app.system.flush();
    expect(await refused).toBe('mailbox_full');
    expect(seen).toEqual(['1', '2']);
    expect(processOf(ref)?.mailbox).toMatchObject({ waiting: 0, overflowed: 2 });
  });

  it('has room again when it has handled what waited', async () => {
    const ref = await start({ mailbox });
    for (const type of ['1', '2', '3']) cast(ref, { type });
    app.system.flush();
    expect(cast(ref, { type: '4' })).toBe(true);
    expect(await call(ref, 'question')).toBe('question');
    expect(seen).toEqual(['1', '2', '4']);
  });

  it('lets a stop go ahead of what waits', async () => {
    const ref = await start({ mailbox });
    for (const type of ['1', '2', '3']) cast(ref, { type });
    void stop(ref, { reason: 'shutdown' });
    app.system.flush();
    expect([seen, processOf(ref)?.exit]).toEqual([['terminate'], 'shutdown']);
  });

  it('lets a kill go ahead of what waits', async () => {
    const ref = await start({ mailbox, restart: 'temporary' });
    for (const type of ['1', '2', '3']) cast(ref, { type });
    exit(ref, 'kill');
    app.system.flush();
    expect([seen, processOf(ref)?.exit]).toEqual([[], 'killed']);
  });

  it('takes every DOWN and EXIT, and keeps them behind what came before', async () => {
    const ref = await start({ mailbox });
    const other = (await startChild(app.root, { id: 'b', start: { logic: listener() }, restart: 'temporary' })) as {
      ok: AnyActorRef;
    };
    monitor(other.ok, ref);
    link(other.ok, ref);
    for (const type of ['1', '2', '3']) cast(ref, { type });
    exit(other.ok, 'kill');
    app.system.flush();
    expect(seen.toSorted()).toEqual(['1', '2', 'DOWN', 'EXIT']);
    expect(seen.slice(0, 2)).toEqual(['1', '2']);
  });

  it('counts what waits for it to begin', async () => {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    let ref: AnyActorRef | undefined;
    await start({});
    const starting = startChild(app.root, {
      id: 'slow',
      start: ({ spawn }) => {
        ref = spawn(listener(mailbox, opened));
        return ref;
      },
    });
    app.system.flush();
    const slow = ref as AnyActorRef;
    expect(cast(slow, { type: '1' })).toBe(true);
    app.system.flush();
    expect([cast(slow, { type: '2' }), cast(slow, { type: '3' })]).toEqual([true, false]);
    open();
    await starting;
    app.system.flush();
    expect(seen).toEqual(['1', '2']);
    expect(processOf(slow)?.mailbox?.waiting).toBe(0);
  });
});

describe('a full mailbox that drops the newest', () => {
  it('says nothing to who casts, and counts', async () => {
    const ref = await start({ mailbox: { max: 1, overflow: 'drop_newest' } });
    const full: string[] = [];
    app.system.on((event) => {
      if (event.type === 'mailbox.full') full.push(event.process.path);
    });
    expect(['1', '2', '3'].map((type) => cast(ref, { type }))).toEqual([true, true, true]);
    expect(await reasonOf(call(ref, 'question'))).toBe('mailbox_full');
    app.system.flush();
    expect([seen, processOf(ref)?.mailbox?.overflowed, full]).toEqual([['1'], 3, ['top/a']]);
  });
});

describe('a mailbox without a limit', () => {
  it('takes what comes', async () => {
    const ref = await start({});
    for (let sent = 0; sent < 10_000; sent += 1) expect(cast(ref, { type: 'x' })).toBe(true);
    app.system.flush();
    expect(seen).toHaveLength(10_000);
  });
});

describe('a limit that is none', () => {
  it.each([
    [{ max: 0, overflow: 'refuse' }, 'max must be an integer of 1 or more, not 0'],
    [{ max: 1, overflow: 'block' }, 'overflow must be refuse or drop_newest, not block'],
  ])('is refused: %j', async (mailbox, value) => {
    await start({});
    const spec = { id: 'x', start: { logic: listener() }, mailbox: mailbox as MailboxOptions };
    expect(await startChild(app.root, spec)).toEqual({ error: { code: 'invalid_mailbox', value } });
  });
});
