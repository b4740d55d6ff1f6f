/**
 * Two things at once, by name: whoever comes while somebody goes. What happens depends on the moment between them, so each
 * race is run once for each, and after each the gateway is whole: everybody answered, every table right, nobody twice.
 *
 * A late DOWN after a new connection, and a disconnect and DOWN in either order, are `client-manager.test.ts`; an app that
 * is back in the last millisecond of its grace is `apps.test.ts`.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GatewayError } from '../../src/gateway/gateway-error.js';
import type { Hello } from '../../src/gateway/transport.js';
import { RecordedControl } from './paths/held-wire.js';
import { HELLO, WholeGateway } from './whole-gateway.js';

const GRACE_MS = 60_000;
/** More than lie between the beginning of either and its end. */
const MOMENTS = 40;

async function wholeGateway(): Promise<WholeGateway> {
  const whole = await WholeGateway.start();
  onTestFinished(() => whole.stop());
  return whole;
}

/** So many promises later. */
async function moment(number: number): Promise<void> {
  for (let turn = 0; turn < number; turn += 1) await Promise.resolve();
}

/** Says hello without waiting for anything. */
function come(whole: WholeGateway, hello: Partial<Hello>): { wire: RecordedControl; answer: Promise<string> } {
  const wire = new RecordedControl();
  const answer = whole.live.connect({ ...HELLO, ...hello }, wire).then(
    () => 'welcomed',
    (error: GatewayError) => error.code,
  );
  return { wire, answer };
}

/** What must be so after each race. */
function isWhole(whole: WholeGateway): void {
  expect(whole.manager.faults()).toEqual([]);
  expect(whole.live.resources().orphans).toBe(0);
  const nodes = whole.live.sessions().map(({ nodeId }) => nodeId);
  expect(nodes).toEqual([...new Set(nodes)]);
  expect(whole.manager.counts.streams, 'streams').toBe(whole.live.streams().length);
}

/** A user whose client was lost. @returns the token that opens its session. */
async function lost(whole: WholeGateway): Promise<string> {
  const { control, wire } = await whole.hello('user');
  control.peerCancelled();
  await whole.settle();
  expect(whole.states).toEqual(['user grace']);
  return wire.of('welcome')[0]?.resumeToken ?? '';
}

describe('a resume while its session is disposed', () => {
  it('S4-5 in the last millisecond of the grace keeps the session', async () => {
    const whole = await wholeGateway();
    const resumeToken = await lost(whole);
    await whole.pass(GRACE_MS - 1);
    const { answer, wire } = come(whole, { nodeId: 'user', resumeToken });
    await whole.settle();
    whole.clock.advance(1);
    expect(await answer).toBe('welcomed');
    await whole.pass(1);
    expect(wire.of('welcome')).toMatchObject([{ resumed: true }]);
    expect(whole.states).toEqual(['user connected']);
  });

  it('is let in or refused, and never let in to be disposed, whichever moment it comes in', async () => {
    const answers = new Set<string>();
    for (let after = 0; after < MOMENTS; after += 1) {
      const whole = await wholeGateway();
      const resumeToken = await lost(whole);
      await whole.pass(GRACE_MS - 1);
      const coming = come(whole, { nodeId: 'user', resumeToken });
      await moment(after);
      whole.clock.advance(1);
      const answer = await coming.answer;
      await whole.settle();
      answers.add(answer);
      expect(whole.states).toEqual(answer === 'welcomed' ? ['user connected'] : []);
      expect(coming.wire.ends.length).toBe(0);
      isWhole(whole);
    }
    expect([...answers]).toContain('welcomed');
  });

  it('is refused when the grace is over, and the same user is welcomed anew at once', async () => {
    for (let after = 0; after < MOMENTS; after += 1) {
      const whole = await wholeGateway();
      const resumeToken = await lost(whole);
      whole.clock.advance(GRACE_MS);
      await moment(after);
      const [late, anew] = [come(whole, { nodeId: 'user', resumeToken }), come(whole, { nodeId: 'user' })];
      expect(await late.answer).toMatch(/^(unauthenticated|superseded)$/);
      expect(await anew.answer).toBe('welcomed');
      await whole.settle();
      expect(whole.states).toEqual(['user connected']);
      isWhole(whole);
    }
  });
});

describe('a hello of somebody who is leaving', () => {
  it('is welcomed on a session of its own, whichever moment it comes in', async () => {
    for (let after = 0; after < MOMENTS; after += 1) {
      const whole = await wholeGateway();
      const before = await whole.hello('user');
      before.control.bye('done');
      await moment(after);
      const { answer, wire } = come(whole, { nodeId: 'user' });
      expect(await answer).toBe('welcomed');
      await whole.settle();
      const [first, second] = [before.wire, wire].map((one) => one.of('welcome')[0]);
      expect(second).toMatchObject({ resumed: false });
      expect(second?.sessionId).not.toBe(first?.sessionId);
      expect(whole.states).toEqual(['user connected']);
      expect([before.wire.ends.length, wire.ends.length]).toEqual([1, 0]);
      isWhole(whole);
    }
  });
});

describe('a hello of somebody whose only call ends', () => {
  it.each(['the hello first', 'the end first'])('leaves no place held for nobody: %s', async (first) => {
    for (let after = 0; after < MOMENTS; after += 1) {
      const whole = await WholeGateway.start({ limits: { clients: 1 } });
      onTestFinished(() => whole.stop());
      const { call } = await whole.watch('user');
      if (first === 'the end first') {
        call.peerCancelled();
        await moment(after);
      }
      const { answer } = come(whole, { nodeId: 'user' });
      if (first === 'the hello first') {
        await moment(after);
        call.peerCancelled();
      }
      const refused = (await answer) !== 'welcomed';
      await whole.settle();
      expect(whole.states).toEqual(refused ? [] : ['user connected']);
      isWhole(whole);
      if (refused) expect(await come(whole, { nodeId: 'somebody else' }).answer).toBe('welcomed');
    }
  });
});

describe('an app that connects back while its owner leaves', () => {
  const target = { url: 'http://127.0.0.1:9/', secret: 'nobody listens' };

  it.each(['the app first', 'the owner first'])('is attached, or refused and gone: %s', async (first) => {
    for (let after = 0; after < MOMENTS; after += 1) {
      const whole = await wholeGateway();
      const owner = await whole.hello('user');
      const session = whole.gateway.sessions.get('user');
      await session?.apps.start({ packageName: 'notes', start: target, stop: target });
      const hello: Partial<Hello> = { nodeId: 'app', role: 'app', sessionId: session?.id ?? '', packageName: 'notes' };
      if (first === 'the owner first') {
        owner.control.bye('done');
        await moment(after);
      }
      const { answer, wire } = come(whole, hello);
      if (first === 'the app first') {
        await moment(after);
        owner.control.bye('done');
      }
      const refused = (await answer) !== 'welcomed';
      await whole.settle();
      expect(whole.states).toEqual(refused ? [] : ['app connected']);
      if (refused) expect(wire.of('welcome')).toEqual([]);
      isWhole(whole);
    }
  });
});
