/**
 * Calls as clients make and answer them over Connect: by a whole gateway, over wires of the test. What is called a handler that
 * throws in the statements is here a provider that answers with an error.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Connected, WholeGateway } from './whole-gateway.js';

let whole: WholeGateway;
let ann: Connected;
let bob: Connected;

beforeEach(async () => {
  whole = await WholeGateway.start();
  ann = await whole.hello('ann');
  bob = await whole.hello('bob');
  ann.control.register('add', 0);
});

afterEach(() => whole.stop());

const bytes = (text: string): Buffer => Buffer.from(text);
const ask = (id: string, procedure: string, from = bob): void =>
  from.control.call({ id, procedure, payload: bytes('1 2'), timeoutMs: 0 });

/** The question that was put to ann last. */
function asked() {
  const question = ann.wire.of('call').at(-1);
  if (!question) throw new Error('ann was asked nothing');
  return question;
}

describe('a call over Connect', () => {
  it('M-T1 whose procedure is provided is answered to whoever asked, and to nobody else', async () => {
    ask('q1', 'add');
    expect(asked()).toMatchObject({ procedure: 'add', payload: bytes('1 2') });
    ann.control.reply({ id: asked().id, payload: bytes('3') });
    await whole.settle();
    expect(bob.wire.of('reply')).toEqual([{ type: 'reply', id: 'q1', payload: bytes('3') }]);
    expect(ann.wire.of('reply')).toEqual([]);
    expect(whole.live.resources().calls).toBe(0);
  });

  it('M-T2 that nobody provides is answered with not_found, and is put to nobody', async () => {
    ask('q1', 'unknown');
    await whole.settle();
    expect(bob.wire.of('reply')).toMatchObject([{ id: 'q1', error: { code: 'not_found' } }]);
    expect(ann.wire.of('call')).toEqual([]);
  });

  it("M-T3 whose provider fails is answered with that provider's own error, and both go on", async () => {
    ask('q1', 'add');
    ann.control.reply({ id: asked().id, payload: bytes(''), error: { code: 'no_numbers', message: 'on purpose' } });
    ask('q2', 'add');
    ann.control.reply({ id: asked().id, payload: bytes('3') });
    await whole.settle();
    expect(bob.wire.of('reply')).toMatchObject([
      { id: 'q1', error: { code: 'no_numbers', message: 'on purpose' } },
      { id: 'q2', payload: bytes('3') },
    ]);
    expect([ann.wire.ends, bob.wire.ends]).toEqual([[], []]);
  });

  it.each([
    ['an empty procedure', 'q1', ''],
    ['a procedure that is too long', 'q1', 'a'.repeat(10_000)],
    ['no id', '', 'add'],
  ])(
    'M-T4 with %s is answered with invalid_argument, put to nobody, and costs no connection',
    async (_what, id, procedure) => {
      ask(id, procedure);
      await whole.settle();
      expect(bob.wire.of('reply')).toMatchObject([{ id, error: { code: 'invalid_argument' } }]);
      expect(ann.wire.of('call')).toEqual([]);
      expect(bob.wire.ends).toEqual([]);
    },
  );
});

describe('callers who die with calls in the hands of others', () => {
  it('L14 are forgotten at once, a thousand of them as one, and so are their monitors', async () => {
    const { monitors } = whole.live.resources();
    const callers = [];
    for (let i = 0; i < 1_000; i += 1) {
      const caller = await whole.hello(`caller-${i}`);
      ask(`q${i}`, 'add', caller);
      callers.push(caller);
    }
    expect(whole.live.resources().calls).toBe(1_000);
    const questions = ann.wire.of('call');
    expect(questions).toHaveLength(1_000);
    for (const [i, { control }] of callers.entries()) {
      if (i % 3 === 0) control.bye('done');
      else if (i % 3 === 1) control.failed(new Error('reset'));
      else whole.gateway.sessions.get(`caller-${i}`)?.process.terminate('killed');
    }
    const nowMs = whole.clock.now();
    for (let turn = 0; turn < 100 && whole.live.resources().calls > 0; turn += 1) await whole.settle();
    expect(whole.clock.now()).toBe(nowMs);
    // No time has passed: they were not waited for until their calls would have timed out.
    expect(whole.live.resources().calls).toBe(0);
    for (const { id } of questions) ann.control.reply({ id, payload: bytes('3') });
    await whole.settle();
    expect(callers.flatMap(({ wire }) => wire.of('reply'))).toEqual([]);
    // Those who were lost are in their grace, and hold nothing that is monitored.
    ann.control.heartbeat(0);
    bob.control.heartbeat(0);
    await whole.pass(29_000);
    ann.control.heartbeat(0);
    bob.control.heartbeat(0);
    await whole.pass(29_000);
    ann.control.heartbeat(0);
    bob.control.heartbeat(0);
    await whole.pass(5_000);
    expect(whole.live.resources()).toMatchObject({ sessions: 2, monitors, services: 1 });
  });
});
