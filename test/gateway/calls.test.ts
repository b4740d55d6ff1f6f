/** The call desk with the service desk beside it, on virtual time. The numbers are those of the Erlang gateway's own tests. */
import { describe, expect, it } from 'vitest';
import { type CallOutcome, Calls, callsLogic } from '../../src/gateway/calls.js';
import type { Port, Question } from '../../src/gateway/services.js';
import { Services, servicesLogic } from '../../src/gateway/services.js';
import { town } from './town.js';

async function exchange({ callsMax = 100 } = {}) {
  const place = await town((desk) => {
    const services = new Services(() => desk('services').process);
    return {
      services: {
        logic: servicesLogic,
        input: () => ({ servicesMax: 100, ttlMs: 300_000, adopt: () => [] }),
      },
      calls: {
        logic: callsLogic,
        input: () => ({
          callsMax,
          attempts: 3,
          timeoutMs: 5_000,
          choice: 'round_robin',
          random: () => 0,
          services,
        }),
      },
    };
  });
  const services = new Services(() => place.desk('services').process);
  const calls = new Calls(() => place.desk('calls').process);

  /** Somebody who provides `add`. The port is an actor of its own, as a session's control stream is. */
  const provider = async (name: string, answer?: (question: Question) => string | undefined) => {
    const [ref, portRef] = [await place.born(name), await place.born(`${name}-port`)];
    const asked: Question[] = [];
    const port: Port = {
      ref: portRef,
      ask: (question) => {
        asked.push(question);
        const reply = answer?.(question);
        if (reply !== undefined) calls.reply(portRef, { id: question.id, payload: Buffer.from(reply) });
      },
    };
    const one = { ref, nodeId: name, port: port as Port | undefined, asked, portRef, expired: () => {} };
    services.register(one, 'add');
    return one;
  };
  const caller = await place.born('caller');
  const call = (procedure = 'add', timeoutMs = 0, from = caller) => {
    const outcomes: string[] = [];
    calls.call({ caller: from, procedure, payload: Buffer.from('1 2'), timeoutMs }, (outcome) =>
      outcomes.push(said(outcome)),
    );
    place.app.system.flush();
    return outcomes;
  };
  return { place, services, calls, provider, call, caller };
}

function said(outcome: CallOutcome): string {
  if (outcome.type === 'answered') return `answered ${Buffer.from(outcome.payload)}`;
  return `${outcome.own ? 'own ' : ''}${outcome.code}`;
}

describe('a call', () => {
  it('M-R10 M-H5 reaches the provider with procedure and payload, and brings its answer', async () => {
    const { provider, call, place, calls } = await exchange();
    const ann = await provider('ann', () => '3');
    expect(call()).toEqual(['answered 3']);
    expect(ann.asked).toMatchObject([{ procedure: 'add', payload: Buffer.from('1 2'), timeoutMs: 5_000 }]);
    expect(calls.size).toBe(0);
    // Nobody but the providers themselves is watched when no call waits.
    expect(place.monitors).toBe(1);
  });

  it('M-R11 M-R13 ends at once with not_found where nobody provides it', async () => {
    const { call } = await exchange();
    expect(call('unknown')).toEqual(['not_found']);
  });

  it('S3-23 M-R12 times out after the time it was given, when the provider is silent', async () => {
    const { provider, call, place, calls } = await exchange();
    await provider('ann');
    const outcome = call('add', 100);
    place.clock.advance(99);
    expect(outcome).toEqual([]);
    expect(calls.size).toBe(1);
    place.clock.advance(1);
    expect(outcome).toEqual(['timeout']);
    expect(calls.size).toBe(0);
  });

  it('S3-23 M-H4 has five seconds where nothing is said, and its own time where it is', async () => {
    const { provider, call, place } = await exchange();
    await provider('ann');
    const [byDefault, longer] = [call(), call('add', 7_000)];
    place.clock.advance(5_000);
    expect([byDefault, longer]).toEqual([['timeout'], []]);
    place.clock.advance(2_000);
    expect(longer).toEqual(['timeout']);
  });

  it('M-R18 leaves the provider registered though five calls timed out, and asks it again', async () => {
    const { provider, call, place, services } = await exchange();
    const ann = await provider('ann');
    for (let i = 0; i < 5; i += 1) {
      const outcome = call('add', 100);
      place.clock.advance(100);
      expect(outcome).toEqual(['timeout']);
    }
    expect(ann.asked).toHaveLength(5);
    expect(services.proceduresOf(ann.ref)).toEqual(['add']);
  });

  it('M-H5 takes error replies, replies without an id, and replies to nothing', async () => {
    const { provider, call, calls, place } = await exchange();
    const ann = await provider('ann');
    const outcome = call();
    const [question] = ann.asked;
    const payload = Buffer.alloc(0);
    calls.reply(ann.portRef, { id: '', payload });
    calls.reply(ann.portRef, { id: 'unknown', payload });
    calls.reply(await place.born('stranger'), { id: question?.id ?? '', payload });
    expect(outcome).toEqual([]);
    calls.reply(ann.portRef, { id: question?.id ?? '', payload, error: { code: 'overflow', message: 'too large' } });
    calls.reply(ann.portRef, { id: question?.id ?? '', payload });
    place.app.system.flush();
    expect(outcome).toEqual(['own overflow']);
  });

  it('hears no reply that comes after its time', async () => {
    const { provider, call, calls, place } = await exchange();
    const ann = await provider('ann');
    const outcome = call('add', 100);
    place.clock.advance(100);
    calls.reply(ann.portRef, { id: ann.asked[0]?.id ?? '', payload: Buffer.from('late') });
    place.app.system.flush();
    expect(outcome).toEqual(['timeout']);
  });

  it('M-H6 asks providers in turn', async () => {
    const { provider, call } = await exchange();
    const people = [
      await provider('ann', () => 'a'),
      await provider('bob', () => 'b'),
      await provider('cy', () => 'c'),
    ];
    const answers = Array.from({ length: 6 }, () => call()[0]);
    expect(answers).toEqual(['a', 'b', 'c', 'a', 'b', 'c'].map((name) => `answered ${name}`));
    expect(people.map(({ asked }) => asked.length)).toEqual([2, 2, 2]);
  });

  it('M-H8 M-H9 S3-23 is forgotten at once when its caller dies', async () => {
    const { provider, call, calls, place, caller } = await exchange();
    await provider('ann');
    const outcomes = [call(), call()];
    expect(calls.size).toBe(2);
    place.dies(caller);
    expect(calls.size).toBe(0);
    expect(place.monitors).toBe(1);
    place.clock.advance(10_000);
    expect(outcomes).toEqual([[], []]);
  });

  it('D-8 L11 fails at once with provider_down when the only provider dies', async () => {
    const { provider, call, place, calls } = await exchange();
    const ann = await provider('ann');
    const outcome = call();
    ann.port = undefined;
    place.dies(ann.portRef);
    expect(outcome).toEqual(['provider_down']);
    expect(place.clock.now()).toBe(0);
    expect(calls.size).toBe(0);
  });

  it('D-8 goes on to another provider when one dies, and brings that answer within the same time', async () => {
    const { provider, call, place } = await exchange();
    const ann = await provider('ann');
    const bob = await provider('bob', () => 'b');
    const outcome = call('add', 1_000);
    place.clock.advance(400);
    ann.port = undefined;
    place.dies(ann.portRef);
    expect(outcome).toEqual(['answered b']);
    expect(bob.asked).toMatchObject([{ timeoutMs: 600 }]);
  });

  it('passes over a provider that is away, as if it were not there', async () => {
    const { provider, call } = await exchange();
    const ann = await provider('ann', () => 'a');
    await provider('bob', () => 'b');
    const { port } = ann;
    ann.port = undefined;
    expect([call()[0], call()[0]]).toEqual(['answered b', 'answered b']);
    ann.port = port;
    expect(call()).toEqual(['answered a']);
  });

  it('is refused where as many wait as may', async () => {
    const { provider, call } = await exchange({ callsMax: 2 });
    await provider('ann');
    expect([call(), call(), call()]).toEqual([[], [], ['max_calls_reached']]);
  });

  it('is refused where as many bytes wait as may, and taken again when they have gone', async () => {
    const { provider, calls, caller, place } = await exchange();
    await provider('ann');
    const payload = Buffer.alloc(100 * 1024 * 1024);
    const big = (timeoutMs: number) => {
      const outcomes: string[] = [];
      const request = { caller, procedure: 'add', payload, timeoutMs };
      calls.call(request, (outcome) => outcomes.push(said(outcome)));
      place.app.system.flush();
      return outcomes;
    };
    expect([big(100), big(100), big(100)]).toEqual([[], [], ['max_calls_reached']]);
    place.clock.advance(100);
    expect(big(100)).toEqual([]);
  });

  it('hears provider_down when the desk crashes, once, and the next call is made as ever', async () => {
    const { provider, call, place, services, calls } = await exchange();
    const ann = await provider('ann');
    const outcome = call();
    place.crash('calls');
    expect(outcome).toEqual(['provider_down']);
    expect(services.proceduresOf(ann.ref)).toEqual(['add']);
    const again = call();
    calls.reply(ann.portRef, { id: ann.asked[0]?.id ?? '', payload: Buffer.from('late') });
    calls.reply(ann.portRef, { id: ann.asked[1]?.id ?? '', payload: Buffer.from('3') });
    place.app.system.flush();
    expect(again).toEqual(['answered 3']);
    place.clock.advance(10_000);
    expect(outcome).toEqual(['provider_down']);
  });

  it('hears provider_down once when the desk crashes over that very call', async () => {
    const { provider, call, place } = await exchange();
    await provider('ann', () => {
      throw new Error('a port that throws');
    });
    const desk = place.desk('calls').ref;
    expect(call()).toEqual(['provider_down']);
    place.app.system.flush();
    expect(place.desk('calls').ref).not.toBe(desk);
    expect(call('unknown')).toEqual(['not_found']);
  });

  it('may be made from within the answer to another', async () => {
    const { provider, calls, caller, place } = await exchange();
    await provider('ann', () => 'a');
    const heard: string[] = [];
    const request = { caller, procedure: 'add', payload: Buffer.alloc(0), timeoutMs: 0 };
    calls.call(request, (first) => {
      heard.push(said(first));
      calls.call(request, (second) => heard.push(said(second)));
    });
    place.app.system.flush();
    expect(heard).toEqual(['answered a', 'answered a']);
  });
});

describe('a call desk', () => {
  it('M-H1 M-H7 takes events that it does not know, and goes on', async () => {
    const { provider, call, place } = await exchange();
    await provider('ann', () => 'a');
    const desk = place.desk('calls').ref;
    for (const type of ['call', 'cast', 'info', 'EXIT', 'nonsense']) desk?.send({ type });
    place.app.system.flush();
    expect(place.desk('calls').ref).toBe(desk);
    expect(call()).toEqual(['answered a']);
  });
});
