import { status as Code, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/grpc/retrofit.js';
import { supervisionOf } from '../../src/grpc/retrofit.js';
import { fromProcess, startApplication, startChild, terminateChild } from '../../src/otp/index.js';
import { FOUR, type Handlers, type Kind, OldCall, retrofit } from './retrofitted.js';

const never = (): void => {};

/** Handlers that take a call and say nothing; `entered` resolves when one has it. */
function silent() {
  let enter: (kind: Kind) => void = never;
  const entered = new Promise<Kind>((resolve) => {
    enter = resolve;
  });
  const signals: AbortSignal[] = [];
  const take =
    (kind: Kind) =>
    (...given: unknown[]): void => {
      signals.push((given.at(-1) as CallContext).signal);
      enter(kind);
    };
  return {
    handlers: Object.fromEntries(FOUR.map((kind) => [kind, take(kind)])) as unknown as Handlers,
    entered,
    signals,
  };
}

describe('a service under supervision', () => {
  it('answers as before, in each of the four kinds', async () => {
    const { client, supervision } = await retrofit({
      unary: (call, callback) => callback(null, Buffer.from(`hello ${call.request}`)),
      collect: (call, callback) => {
        let all = '';
        call.on('data', (part) => (all += part));
        call.on('end', () => callback(null, Buffer.from(all)));
      },
      feed: (call) => {
        for (const part of ['a', 'b', 'c']) call.write(Buffer.from(part));
        call.end();
      },
      chat: async (call) => {
        for await (const part of call) call.write(Buffer.from(`${part}!`));
        call.end();
      },
    });
    const c = client();
    const unary = new OldCall(c, 'unary', { request: 'you' });
    expect([(await unary.ended).code, unary.got]).toEqual([Code.OK, ['hello you']]);
    const collect = new OldCall(c, 'collect').send('1').send('2').halfClose();
    expect([(await collect.ended).code, collect.got]).toEqual([Code.OK, ['12']]);
    const feed = new OldCall(c, 'feed');
    expect([(await feed.ended).code, feed.got]).toEqual([Code.OK, ['a', 'b', 'c']]);
    const chat = new OldCall(c, 'chat').send('x').send('y').halfClose();
    expect([(await chat.ended).code, chat.got]).toEqual([Code.OK, ['x!', 'y!']]);
    expect(supervision.counters()).toMatchObject({ started: 4, active: 0, crashed: 0, ended: { ended: 4 }, sent: 5 });
  });

  it('keeps the status, the details and the trailers that the handler chose, behind what it had written', async () => {
    const { client } = await retrofit({
      unary: (_call, callback) => callback({ code: Code.NOT_FOUND, details: 'no such thing' }),
      feed: (call) => {
        call.write(Buffer.from('a'));
        const metadata = new Metadata();
        metadata.set('x-why', 'because');
        call.emit('error', { code: Code.DATA_LOSS, details: 'lost', metadata });
      },
      chat: (call) => {
        call.write(Buffer.from('b'));
        call.end();
        call.write(Buffer.from('after the end'));
      },
    });
    expect(await new OldCall(client(), 'unary').ended).toMatchObject({
      code: Code.NOT_FOUND,
      details: 'no such thing',
    });
    const feed = new OldCall(client(), 'feed');
    const status = (await feed.ended) as { metadata: Metadata } & Awaited<typeof feed.ended>;
    expect([status.code, status.details, status.metadata.get('x-why'), feed.got]).toEqual([
      Code.DATA_LOSS,
      'lost',
      ['because'],
      ['a'],
    ]);
    const chat = new OldCall(client(), 'chat');
    expect([(await chat.ended).code, chat.got]).toEqual([Code.OK, ['b']]);
  });
});

describe('a handler that fails', () => {
  const boom = (): never => {
    throw new Error('planted-message');
  };
  const failures: Readonly<Record<string, Partial<Handlers>>> = {
    'at once, in a unary call': { unary: boom },
    'at once, in a stream': { chat: boom },
    'as a promise': { chat: async () => boom() },
    'in a timer': { chat: () => void setTimeout(boom) },
    'in a promise that nobody waits for': { chat: () => void Promise.resolve().then(boom) },
    'when a message comes': { chat: (call) => void call.on('data', boom) },
    'when its stream ends': { collect: (call) => void call.resume().on('end', boom) },
    'in a for await': {
      chat: async (call) => {
        for await (const _ of call) boom();
      },
    },
  };

  it.each(Object.entries(failures))(
    '%s, is INTERNAL to the peer, whole in the log, and nobody else is touched',
    async (_, handlers) => {
      const kind = Object.keys(handlers)[0] as Kind;
      const other = silent().handlers;
      const { client, supervision, errors } = await retrofit({
        ...other,
        feed: (call) => void call.write(Buffer.from('fine')),
        ...handlers,
      });
      const bystander = new OldCall(client(), 'feed');
      await bystander.next();
      const call = new OldCall(client(), kind).send('x').halfClose();
      const { code, details } = await call.ended;
      expect([code, details]).toEqual([Code.INTERNAL, 'internal: the gateway failed; its log says why']);
      expect(errors).toMatchObject([
        { err: { message: 'planted-message' }, method: expect.stringContaining('/acme.v1.Old/') },
      ]);
      expect(supervision.counters()).toMatchObject({ active: 1, crashed: 1, ended: { error: 1 } });
      bystander.cancel();
      await expect.poll(() => supervision.counters().active).toBe(0);
    },
  );
});

describe.each(FOUR)('a %s call whose handler says nothing', (kind) => {
  const ways = {
    'its peer cancels': { cancel: true, code: Code.CANCELLED, word: 'cancelled' },
    'its deadline passes': { deadlineMs: 200, code: Code.DEADLINE_EXCEEDED, word: 'deadline_exceeded' },
    'nothing comes or goes': { inactivityMs: 100, code: Code.DEADLINE_EXCEEDED, word: 'inactivity' },
    'its service is stopped': { stop: true, code: Code.UNAVAILABLE, word: 'drain' },
    'its owner is gone': { owned: true, code: Code.UNAVAILABLE, word: 'shutdown' },
  } satisfies Record<string, { code: Code; word: string } & Record<string, unknown>>;

  it.each(Object.entries(ways))('ends, with its signal aborted, when %s', async (_, way) => {
    const { handlers, entered, signals } = silent();
    const owners = await startApplication('owners', { children: [] });
    const thing = fromProcess(() => ({}));
    const owner = await startChild(owners.root, { id: 'owner', start: { logic: thing, input: undefined } });
    const { client, supervision } = await retrofit(handlers, {
      ...('inactivityMs' in way ? { inactivityMs: way.inactivityMs } : {}),
      ...('owned' in way ? { owner: () => ('ok' in owner ? owner.ok : undefined) } : {}),
    });
    const call = new OldCall(client(), kind, 'deadlineMs' in way ? { deadlineMs: way.deadlineMs } : {});
    await entered;
    if ('cancel' in way) call.cancel();
    if ('stop' in way) void supervision.stop({ deadlineMs: 50 });
    if ('owned' in way) await terminateChild(owners.root, 'owner');
    expect((await call.ended).code).toBe(way.code);
    await expect.poll(() => supervision.counters().active).toBe(0);
    const [word] = Object.keys(supervision.counters().ended);
    // A client's clock may be the first, and its reset then comes before our deadline.
    expect('deadlineMs' in way && word === 'cancelled' ? way.word : word).toBe(way.word);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await owners.stop();
  });
});

describe('a stream of requests that its handler breaks off', () => {
  it.each(['collect', 'chat'] as const)('is over for the peer as well: %s', async (kind) => {
    const breakOff = async (call: AsyncIterable<Buffer>): Promise<void> => {
      for await (const _ of call) break;
    };
    const { client, supervision } = await retrofit({ [kind]: breakOff });
    const call = new OldCall(client(), kind).send('1').send('2');
    expect((await call.ended).code).toBe(Code.CANCELLED);
    expect(supervision.counters()).toMatchObject({ active: 0, ended: { cancelled: 1 } });
  });
});

describe('a peer that does not read', () => {
  it('makes write answer false and drain come, where the handler waits for it', async () => {
    const total = 500;
    const { client, supervision } = await retrofit(
      {
        feed: async (call) => {
          for (let at = 0; at < total; at++) {
            if (!call.write(Buffer.alloc(10_000))) await new Promise((resolve) => call.once('drain', resolve));
          }
          call.end();
        },
      },
      { queueMessages: 10 },
    );
    const call = new OldCall(client(), 'feed');
    expect((await call.ended).code).toBe(Code.OK);
    expect(call.got).toHaveLength(total);
    expect(supervision.counters()).toMatchObject({ sent: total, drops: 0 });
  });

  it('ends a call whose handler does not wait for it, with slow_consumer, and its queue with it', async () => {
    const { client, supervision } = await retrofit(
      {
        feed: (call) => {
          for (let at = 0; at < 100; at++) call.write(Buffer.alloc(100_000));
        },
      },
      { queueMessages: 20 },
    );
    const { code, details } = await new OldCall(client(), 'feed').ended;
    expect([code, details]).toEqual([Code.RESOURCE_EXHAUSTED, 'slow_consumer: the reader did not keep up']);
    expect(supervision.counters()).toMatchObject({ active: 0, drops: 1, ended: { slow_consumer: 1 } });
  });

  it('loses what another policy says, and the call goes on', async () => {
    const { client, supervision } = await retrofit(
      {
        feed: (call) => {
          for (let at = 0; at < 50; at++) call.write(Buffer.from(String(at)));
          call.end();
        },
      },
      { queueMessages: 5, overflow: 'drop_oldest' },
    );
    const call = new OldCall(client(), 'feed');
    expect((await call.ended).code).toBe(Code.OK);
    expect(call.got).toEqual(['0', '45', '46', '47', '48', '49']);
    expect(supervision.counters()).toMatchObject({ sent: 6, drops: 44 });
  });
});

describe('the limits of a supervised service', () => {
  it('refuse one call more than may be, and let the next in when one has ended', async () => {
    const { handlers } = silent();
    const { client, supervision } = await retrofit(
      { ...handlers, feed: (call) => void call.write(Buffer.from('in')) },
      { streamsMax: 2 },
    );
    const c = client();
    const [first, second] = [new OldCall(c, 'feed'), new OldCall(c, 'feed')];
    await Promise.all([first.next(), second.next()]);
    expect(await new OldCall(c, 'unary').ended).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: 'max_streams_reached: this service serves 2 calls at once',
    });
    first.cancel();
    await expect.poll(() => supervision.counters().active).toBe(1);
    await new OldCall(c, 'feed').next();
    expect(supervision.counters()).toMatchObject({ active: 2, refused: 1 });
    expect(supervision.streams()).toMatchObject([{ kind: 'retrofit', state: 'alive.open.flowing' }, {}]);
  });
});

describe('a supervised service that is stopped', () => {
  it('refuses newcomers, lets calls with one answer finish, and ends streams with a time to come back after', async () => {
    let answer: () => void = never;
    const { client, supervision } = await retrofit({
      unary: (_call, callback) => {
        answer = () => callback(null, Buffer.from('done'));
      },
      feed: (call) => void call.write(Buffer.from('in')),
    });
    const c = client();
    const [unary, feed] = [new OldCall(c, 'unary'), new OldCall(c, 'feed')];
    await feed.next();
    await expect.poll(() => supervision.counters().active).toBe(2);
    const stopped = supervision.stop({ deadlineMs: 5_000 });
    const status = (await feed.ended) as { metadata: Metadata } & Awaited<typeof feed.ended>;
    expect([status.code, Number(status.metadata.get('grpc-retry-pushback-ms')[0])]).toEqual([Code.UNAVAILABLE, 1000]);
    expect((await new OldCall(c, 'unary').ended).code).toBe(Code.UNAVAILABLE);
    answer();
    expect([(await unary.ended).code, unary.got]).toEqual([Code.OK, ['done']]);
    await stopped;
    expect(supervision.census()).toEqual({});
  });

  it('is what supervise returned, and nothing else', () => {
    expect(() => supervisionOf({})).toThrow('service: expected what supervise() returned, got another object');
  });
});
