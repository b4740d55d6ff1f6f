/** What clients say to each other through a whole gateway, over real sockets. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { GatewayHostOptions } from '../../src/create-gateway.js';
import type { ServerMessage } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { clientOf, controlInbox } from './harness.js';
import { runGateway } from './running-gateway.js';

type Word = ServerMessage['message'];
type Of<C extends Word['case']> = Extract<Word, { case: C }>['value'];

async function exchange(options: GatewayHostOptions = {}) {
  const { gateway, address } = await runGateway(options);
  const join = async (nodeId: string, more: { resumeToken?: string } = {}) => {
    const inbox = controlInbox();
    const client = clientOf(address);
    const control = client.connect(inbox.listener);
    control.send({ case: 'hello', value: { nodeId, ...more } });
    /** The next word of this kind; heartbeats of the gateway's own are passed over. */
    const next = async <C extends Word['case']>(kind: C): Promise<Of<C>> => {
      for (;;) {
        const { message } = await inbox.next();
        if (message.case === kind) return message.value as Of<C>;
        if (message.case !== 'heartbeat') throw new Error(`expected ${kind}, got ${message.case}`);
      }
    };
    let stamp = 0n;
    /** Resolves when all that was said before is in effect. @returns the topics of events that came before. */
    const inEffect = async (): Promise<string[]> => {
      stamp += 1n;
      control.send({ case: 'heartbeat', value: { timestampMs: stamp } });
      const topics: string[] = [];
      for (;;) {
        const { message } = await inbox.next();
        if (message.case === 'heartbeat' && message.value.timestampMs === stamp) return topics;
        if (message.case === 'event') topics.push(message.value.topic);
      }
    };
    const provide = (procedure: string) => control.send({ case: 'register', value: { procedure } });
    /** Answers every question from now on. */
    const serve = async (answer: (payload: string) => string | undefined): Promise<void> => {
      for (;;) {
        const { id, payload } = await next('call');
        const text = answer(Buffer.from(payload).toString());
        if (text !== undefined) control.send({ case: 'reply', value: { id, payload: Buffer.from(text) } });
      }
    };
    const welcome = await next('welcome');
    return { client, control, inbox, next, inEffect, provide, serve, welcome };
  };
  return { gateway, address, join };
}

const bytes = (text: string): Buffer => Buffer.from(text);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    ({ code, details }: { code: Code; details: string }) => ({ code, details }),
  );

describe('topics over Connect', () => {
  it('reach who subscribed, once, with topic and payload; publishers hear themselves', async () => {
    const { join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    for (const pattern of ['news.*', 'news.sport', '**']) ann.control.send({ case: 'subscribe', value: { pattern } });
    bob.control.send({ case: 'subscribe', value: { pattern: 'news.**' } });
    await ann.inEffect();
    bob.control.send({ case: 'publish', value: { topic: 'news.sport', payload: bytes('1:0') } });
    bob.control.send({ case: 'publish', value: { topic: 'weather', payload: bytes('sun') } });
    expect(await bob.inEffect()).toEqual(['news.sport']);
    expect(await ann.next('event')).toMatchObject({ topic: 'news.sport', payload: bytes('1:0') });
    expect(await ann.next('event')).toMatchObject({ topic: 'weather', payload: bytes('sun') });
    expect(await ann.inEffect()).toEqual([]);
  });

  it('take effect in order: what is unsubscribed before a heartbeat brings nothing after it', async () => {
    const { join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    ann.control.send({ case: 'subscribe', value: { pattern: 'a' } });
    ann.control.send({ case: 'publish', value: { topic: 'a' } });
    ann.control.send({ case: 'unsubscribe', value: { pattern: 'a' } });
    ann.control.send({ case: 'unsubscribe', value: { pattern: 'a' } });
    expect(await ann.inEffect()).toEqual(['a']);
    bob.control.send({ case: 'publish', value: { topic: 'a' } });
    await bob.inEffect();
    expect(await ann.inEffect()).toEqual([]);
  });

  it.each([
    [{ case: 'subscribe', value: { pattern: 'a..b' } }, /^invalid_argument: subscribe\.pattern: /],
    [{ case: 'subscribe', value: { pattern: 'x'.repeat(257) } }, /^invalid_argument: subscribe\.pattern: .*256/],
    [{ case: 'publish', value: { topic: 'a.*' } }, /^invalid_argument: publish\.topic: /],
    [{ case: 'register', value: { procedure: '' } }, /^invalid_argument: register\.procedure: /],
  ] as const)('end the call at %j with INVALID_ARGUMENT naming the field', async (word, details) => {
    const { join } = await exchange();
    const ann = await join('ann');
    ann.control.send(word);
    expect(await ann.inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(details),
    });
  });

  it('are limited for each client, and a known one takes no more room', async () => {
    const { join } = await exchange({ limits: { topicsPerClient: 2, services: 1 } });
    const [ann, bob, cy] = [await join('ann'), await join('bob'), await join('cy')];
    for (const pattern of ['a', 'b', 'a']) ann.control.send({ case: 'subscribe', value: { pattern } });
    await ann.inEffect();
    ann.control.send({ case: 'subscribe', value: { pattern: 'c' } });
    expect((await ann.inbox.ended).details).toMatch(/subscribe\.pattern: max_topics_reached: .*at most 2/);
    bob.provide('add');
    bob.provide('add');
    await bob.inEffect();
    cy.provide('subtract');
    expect((await cy.inbox.ended).details).toMatch(/register\.procedure: max_services_reached/);
  });

  it('survive a resume, and so do registrations', async () => {
    const { gateway, join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    ann.control.send({ case: 'subscribe', value: { pattern: 'a.*' } });
    ann.provide('add');
    await ann.inEffect();
    const inGrace = new Promise<void>((resolve) => gateway.on('session.grace', () => resolve()));
    ann.control.cancel();
    await inGrace;
    bob.control.send({ case: 'publish', value: { topic: 'a.missed' } });
    expect(await refusal(bob.client.call({ procedure: 'add' }))).toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/^provider_down: /),
    });
    const back = await join('ann', { resumeToken: ann.welcome.resumeToken });
    expect(back.welcome.resumed).toBe(true);
    bob.control.send({ case: 'publish', value: { topic: 'a.heard' } });
    expect((await back.next('event')).topic).toBe('a.heard');
    const answer = bob.client.call({ procedure: 'add', payload: bytes('1') });
    const { id } = await back.next('call');
    back.control.send({ case: 'reply', value: { id, payload: bytes('2') } });
    expect(Buffer.from(await answer).toString()).toBe('2');
  });
});

describe('calls over Connect', () => {
  it('bring the answer of whoever registered, under the id of the caller', async () => {
    const { join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    ann.provide('double');
    await ann.inEffect();
    ann.serve((text) => String(Number(text) * 2)).catch(() => {});
    for (const n of [1, 2, 3]) {
      bob.control.send({ case: 'call', value: { id: `q${n}`, procedure: 'double', payload: bytes(String(n)) } });
    }
    const replies = [await bob.next('reply'), await bob.next('reply'), await bob.next('reply')];
    expect(replies.map(({ id, payload }) => `${id} ${Buffer.from(payload)}`)).toEqual(['q1 2', 'q2 4', 'q3 6']);
  });

  it('end with not_found, timeout, provider_down, or the words of the provider', async () => {
    const { join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    const ask = async (procedure: string, timeoutMs = 0) => {
      bob.control.send({ case: 'call', value: { id: 'q', procedure, timeoutMs } });
      return bob.next('reply');
    };
    expect((await ask('add')).error).toMatchObject({ code: 'not_found' });
    expect((await ask('')).error).toMatchObject({ code: 'invalid_argument' });
    ann.provide('add');
    await ann.inEffect();
    expect((await ask('add', 50)).error).toMatchObject({ code: 'timeout' });
    const own = ask('add');
    const asked = [await ann.next('call'), await ann.next('call')];
    const error = { code: 'overflow', message: 'too large' };
    ann.control.send({ case: 'reply', value: { id: asked[1]?.id ?? '', error } });
    expect((await own).error).toMatchObject(error);
    const down = ask('add', 60_000);
    await ann.next('call');
    ann.control.cancel();
    expect((await down).error).toMatchObject({ code: 'provider_down' });
  });

  it('go on to the next provider when the connection of one is lost', async () => {
    const { join } = await exchange();
    const [ann, bob, cy] = [await join('ann'), await join('bob'), await join('cy')];
    for (const one of [ann, bob]) {
      one.provide('name');
      await one.inEffect();
    }
    bob.serve(() => 'bob').catch(() => {});
    cy.control.send({ case: 'call', value: { id: 'q', procedure: 'name' } });
    await ann.next('call');
    ann.control.cancel();
    expect(Buffer.from((await cy.next('reply')).payload).toString()).toBe('bob');
  });
});

describe('a call outside Connect', () => {
  it('brings the answer, and leaves no client, stream or call behind', async () => {
    const { gateway, join } = await exchange();
    const ann = await join('ann');
    ann.provide('double');
    await ann.inEffect();
    ann.serve((text) => String(Number(text) * 2)).catch(() => {});
    const stranger = await join('stranger');
    const gone = new Promise<void>((resolve) =>
      gateway.on('process.down', ({ actor }) => /session:anon-[^/]*$/.test(actor) && resolve()),
    );
    expect(Buffer.from(await stranger.client.call({ procedure: 'double', payload: bytes('21') })).toString()).toBe(
      '42',
    );
    await gone;
    expect(gateway.resources()).toMatchObject({ sessions: 2, streams: 2, calls: 0, services: 1 });
    const named = stranger.client.call({ procedure: 'double', payload: bytes('4') }, { nodeId: 'stranger' });
    expect(Buffer.from(await named).toString()).toBe('8');
  });

  it('says by its status what went wrong', async () => {
    const { join } = await exchange();
    const ann = await join('ann');
    const { client } = await join('bob');
    expect(await refusal(client.call({ procedure: 'add' }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: expect.stringMatching(/^not_found: .*"add"/),
    });
    expect(await refusal(client.call({ procedure: '' }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^invalid_argument: procedure: /),
    });
    ann.provide('add');
    await ann.inEffect();
    expect(await refusal(client.call({ procedure: 'add', timeoutMs: 50 }))).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/^timeout: /),
    });
    await ann.next('call');
    const own = refusal(client.call({ procedure: 'add' }));
    const { id } = await ann.next('call');
    ann.control.send({ case: 'reply', value: { id, error: { code: 'too_large', message: 'not with me' } } });
    expect(await own).toEqual({ code: Code.ABORTED, details: 'too_large: not with me' });
    const down = refusal(client.call({ procedure: 'add' }));
    await ann.next('call');
    ann.control.send({ case: 'bye', value: {} });
    expect(await down).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(/^provider_down: /) });
  });

  it('passes ten gateways at most', async () => {
    const { join } = await exchange();
    const ann = await join('ann');
    ann.provide('add');
    await ann.inEffect();
    ann.serve(() => 'yes').catch(() => {});
    expect(Buffer.from(await ann.client.call({ procedure: 'add' }, { hops: 9 })).toString()).toBe('yes');
    expect(await refusal(ann.client.call({ procedure: 'add' }, { hops: 10 }))).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/^max_hops_reached: /),
    });
  });

  it('is forgotten at once when it is cancelled or its deadline passes', async () => {
    const { gateway, join } = await exchange();
    const [ann, bob] = [await join('ann'), await join('bob')];
    ann.provide('add');
    await ann.inEffect();
    const ended = () =>
      new Promise<void>((resolve) =>
        gateway.on('process.down', ({ actor, kind }) => kind === 'stream' && actor.includes('/call:') && resolve()),
      );
    const leave = new AbortController();
    const cancelled = [refusal(bob.client.call({ procedure: 'add' }, { signal: leave.signal })), ended()] as const;
    await ann.next('call');
    expect(gateway.resources().calls).toBe(1);
    leave.abort();
    expect(await cancelled[0]).toMatchObject({ code: Code.CANCELLED });
    await cancelled[1];
    await bob.inEffect();
    expect(gateway.resources().calls).toBe(0);
    const late = [refusal(bob.client.call({ procedure: 'add' }, { deadlineMs: 100 })), ended()] as const;
    expect(await late[0]).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await late[1];
    await bob.inEffect();
    expect(gateway.resources().calls).toBe(0);
  });
});

describe('the lists of a gateway', () => {
  it('name services, calls that wait, and topics', async () => {
    const { gateway, join } = await exchange();
    const ann = await join('ann');
    ann.control.send({ case: 'subscribe', value: { pattern: 'a.*' } });
    ann.control.send({ case: 'register', value: { procedure: 'add', ttlMs: 60_000 } });
    ann.control.send({ case: 'call', value: { id: 'q', procedure: 'add' } });
    await ann.next('call');
    const list = async (plural: string) =>
      ((await (await fetch(`${gateway.addresses.http}/api/${plural}`)).json()) as Record<string, object[]>)[plural];
    expect(await list('topics')).toEqual([{ id: 'a.*', state: 'subscribed', subscribers: 1 }]);
    expect(await list('services')).toMatchObject([
      { id: 'add@ann', procedure: 'add', nodeId: 'ann', state: 'available', ttlMs: 60_000 },
    ]);
    expect(await list('calls')).toMatchObject([{ procedure: 'add', state: 'waiting', attempt: 1 }]);
  });
});
