import { describe, expect, it } from 'vitest';
import { runLine } from './run-lines.js';
import { ScenarioError } from './scenario.js';

describe('a line that is no scenario', () => {
  it.each([
    ['{', 'line 7: not JSON', false],
    ['{"id":"x","steps":[]}', 'line 7: field sup: ', false],
    ['{"id":"x","sup":{"intensity":"2"},"steps":[]}', 'line 7: field sup.intensity: ', false],
    ['{"id":"x","sup":{"children":[{}]},"steps":[]}', 'line 7: field sup.children[0].id: ', false],
    ['{"id":"x","sup":{},"steps":[{"op":"jump"}]}', 'line 7: field steps[0].op: ', false],
    ['{"id":"x","steps":[{"op":"spawn"}]}', 'line 7: field steps[0].p: ', true],
  ])('is refused with its number and the field that is wrong: %s', async (line, message, signals) => {
    const refused = runLine(line, 7, signals);
    await expect(refused).rejects.toBeInstanceOf(ScenarioError);
    await expect(refused).rejects.toThrow(message);
  });

  it('is not one whose values OTP itself refuses', async () => {
    const line = '{"id":"x","sup":{"intensity":-1},"steps":[]}';
    const { trace } = await runLine(line, 1, false);
    expect(trace).toMatchObject([{ result: { error: 'supervisor_data', reason: { error: 'invalid_intensity' } } }]);
  });
});
