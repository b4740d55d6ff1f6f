/** What a page makes of the lines of a recording: the gateway's own, and those of Stately's inspector. */
import { createInspector } from '@statelyai/inspect';
import { describe, expect, it, vi } from 'vitest';
import { createActor, setup } from 'xstate';
import { BadRecording, readRecording } from '../../src/ops/page/recording-file.js';

const door = setup({}).createMachine({
  id: 'door',
  initial: 'closed',
  states: {
    closed: { on: { push: 'open' } },
    open: { on: { pull: 'closed', fall: 'broken' } },
    broken: { type: 'final' },
  },
});

const lines = (...all: readonly object[]): string => all.map((line) => JSON.stringify(line)).join('\n');
const actor = (sessionId: string, more: object = {}) => ({ type: '@xstate.actor', sessionId, createdAt: '1', ...more });
const step = (sessionId: string, type: string, value: string, createdAt = '2') => [
  { type: '@xstate.event', sessionId, createdAt, event: { type } },
  { type: '@xstate.snapshot', sessionId, createdAt, event: { type }, snapshot: { status: 'active', value } },
];

describe('a recording', () => {
  it('of the inspector of Stately is read as it was written', async () => {
    const told: object[] = [];
    const inspector = createInspector({ start: () => {}, stop: () => {}, send: (event) => void told.push(event) });
    const ref = createActor(door, { inspect: inspector.inspect });
    ref.start();
    ref.send({ type: 'push', how: 'hard' } as never);
    ref.send({ type: 'fall' });
    // It tells when there is time.
    await vi.waitFor(() => expect(JSON.stringify(told)).toContain('"done"'), { timeout: 15_000 });
    const [life] = readRecording(lines(...told));
    expect(life?.chart).toMatchObject({ id: 'door' });
    expect(life?.moments.map(({ kind, event, value }) => [kind, event, value])).toEqual([
      ['step', 'xstate.init', 'closed'],
      ['step', 'push', 'open'],
      ['step', 'fall', 'broken'],
      ['end', '', 'broken'],
    ]);
    expect(life?.moments[1]?.data).toEqual([['how', 'hard']]);
    expect(life?.endedWith).toBe('done');
  });

  it('keeps the lives of several actors apart, whoever speaks between', () => {
    const [a, b] = [step('a', 'one', 'x'), step('b', 'two', 'y')];
    const read = readRecording(
      lines(actor('a'), actor('b'), a[0] as object, b[0] as object, b[1] as object, a[1] as object),
    );
    expect(read.map(({ id, moments }) => [id, moments.map(({ event, value }) => [event, value])])).toEqual([
      ['a', [['one', 'x']]],
      ['b', [['two', 'y']]],
    ]);
  });

  it('has what the gateway told beside the life that it is about', () => {
    const told = { type: '@xstate.event', sessionId: 'chronicle', sourceId: 'p/a@7', createdAt: '3' };
    const event = { type: 'process.down', actor: 'p/b', reason: 'killed' };
    const [life] = readRecording(lines(actor('p/a@7', { lost: 4 }), ...step('p/a@7', 'go', 'x'), { ...told, event }));
    expect(life).toMatchObject({ path: 'p/a', lost: 4 });
    expect(life?.moments.at(-1)).toEqual({
      kind: 'told',
      atMs: 3,
      event: 'process.down',
      data: [['reason', 'killed']],
      value: 'x',
      actor: 'p/b',
    });
  });

  it('keeps the last moments of a long life and counts the others', () => {
    const steps = Array.from({ length: 2_100 }, (_, n) => step('a', `e${n}`, 'x')).flat();
    const [life] = readRecording(lines(actor('a'), ...steps));
    expect(life?.moments).toHaveLength(2_000);
    expect(life?.lost).toBe(100);
    expect(life?.moments.at(-1)?.event).toBe('e2099');
  });

  it.each([
    ['', /Nothing in it/],
    ['null', /Line 1 is not an object: "null"/],
    ['{}\n{', /Line 2 is not JSON/],
    ['\n'.repeat(100_001), /more than 100000 lines/],
    [lines(...Array.from({ length: 501 }, (_, n) => actor(`a${n}`))), /more than 500 actors/],
    [lines(actor('a', { definition: '{', snapshot: 7 })), /Nothing in it/],
  ])('that is none is refused in one line (%#)', (content, said) => {
    expect(() => readRecording(content)).toThrow(BadRecording);
    expect(() => readRecording(content)).toThrow(said);
  });
});
