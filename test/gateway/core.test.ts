/**
 * The supervisor of the core: who is new and who is the same after each death in it.
 *
 * The statements are of a gateway with four children: manager, pubsub, rpc, mesh. Ours are clients, topics, services and
 * calls (both are rpc), and channels; the courier before them has no counterpart there.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Process } from '../../src/otp/process.js';
import { WholeGateway } from './whole-gateway.js';

const CORE = ['courier', 'clients', 'topics', 'services', 'calls', 'channels'] as const;

let whole: WholeGateway;

beforeEach(async () => {
  whole = await WholeGateway.start();
});

afterEach(() => whole.stop());

const processOf = (path: string) => [...whole.system.processes].find((process) => process.path === path);
const lives = () => new Map(CORE.map((id) => [id, processOf(`sluice/core/${id}`)]));

/** Kills one of the core. @returns those who are new afterwards, in the order of their start. */
async function newAfterKilling(id: string): Promise<readonly string[]> {
  const [before, outside] = [lives(), others()];
  await whole.kill(`sluice/core/${id}`);
  const after = lives();
  for (const process of after.values()) expect(process?.alive).toBe(true);
  expect(
    others()
      .filter((process) => !outside.includes(process))
      .map(({ path }) => path),
  ).toEqual([]);
  expect(outside.every(({ alive }) => alive)).toBe(true);
  return CORE.filter((child) => after.get(child) !== before.get(child));
}

/** Everybody who is not a child of the core. */
function others(): readonly Process[] {
  return [...whole.system.processes].filter(({ path }) => !path.startsWith('sluice/core/'));
}

describe('the core of a gateway', () => {
  it('M-S3 starts with a configuration, which its children are told', async () => {
    const limited = await WholeGateway.start({ limits: { clients: 1 } });
    try {
      await limited.hello('a');
      await expect(limited.hello('b')).rejects.toThrow(/^max_clients_reached/);
    } finally {
      await limited.stop();
    }
  });

  it('M-S4 M-S5 starts without a configuration, with its children in their order', async () => {
    const bare = await WholeGateway.start();
    try {
      const core = bare.live.tree().children.find(({ id }) => id === 'sluice/core');
      expect(core?.strategy).toBe('rest_for_one');
      expect(core?.children.map(({ id }) => id)).toEqual(CORE.map((id) => `sluice/core/${id}`));
    } finally {
      await bare.stop();
    }
  });

  it('M-S6 M-S7 M-S8 finds each of them by its name', () => {
    for (const id of CORE) {
      expect(whole.live.actor(`sluice/core/${id}`)).toMatchObject({ id: `sluice/core/${id}`, restarts: 0 });
    }
    expect(whole.live.actor('sluice/core/nobody')).toBeUndefined();
  });

  it('M-S9 has all of them new after the death of the first, and all but the courier after that of the clients', async () => {
    expect(await newAfterKilling('courier')).toEqual(CORE);
    expect(await newAfterKilling('clients')).toEqual(['clients', 'topics', 'services', 'calls', 'channels']);
  });

  it('M-S10 keeps the clients over the death of the topics, and has those after it new', async () => {
    expect(await newAfterKilling('topics')).toEqual(['topics', 'services', 'calls', 'channels']);
  });

  it('M-S11 keeps clients and topics over the death of services or calls', async () => {
    expect(await newAfterKilling('services')).toEqual(['services', 'calls', 'channels']);
    expect(await newAfterKilling('calls')).toEqual(['calls', 'channels']);
  });

  it('M-S12 keeps everybody else over the death of the channels', async () => {
    expect(await newAfterKilling('channels')).toEqual(['channels']);
  });

  it('M-S13 has the same children an hour later, while clients come and go', async () => {
    const before = lives();
    for (let minute = 0; minute < 60; minute += 1) {
      const { control } = await whole.hello(`n${minute}`);
      control.subscribe('a.*');
      control.register('add', 0);
      if (minute % 2 === 0) control.bye('done');
      else control.peerCancelled();
      await whole.pass(60_000);
    }
    for (const [id, process] of lives()) expect([id, process === before.get(id)]).toEqual([id, true]);
    for (const process of before.values()) expect(process?.alive).toBe(true);
    expect(whole.live.events().filter(({ type }) => type === 'process.restarted')).toEqual([]);
  });

  it.each([undefined, ...CORE])('M-S14 works, also after the death of %s', async (victim) => {
    const [ann, bob] = [await whole.hello('ann'), await whole.hello('bob')];
    ann.control.subscribe('news.*');
    ann.control.register('add', 0);
    if (victim) await whole.kill(`sluice/core/${victim}`);
    bob.control.publish('news.today', Buffer.from('rain'));
    bob.control.call({ id: 'q', procedure: 'add', payload: Buffer.from('1 2'), timeoutMs: 0 });
    await whole.settle();
    const question = ann.wire.words.find((word) => word.type === 'call');
    ann.control.reply({ id: question?.type === 'call' ? question.id : '', payload: Buffer.from('3') });
    await whole.settle();
    expect(ann.wire.words).toContainEqual({ type: 'event', topic: 'news.today', payload: Buffer.from('rain') });
    expect(bob.wire.words).toContainEqual({ type: 'reply', id: 'q', payload: Buffer.from('3') });
    expect(whole.manager.getAllNodeIds()).toEqual(['ann', 'bob']);
    // Nobody listens there: that the attempt is made and told of is the work of the channels.
    await expect(whole.gateway.channels.acquire('127.0.0.1:1')).rejects.toThrow(/127\.0\.0\.1:1/);
  });
});
