/** What real Erlang/OTP answered, scenario by scenario, against what our supervisors and processes do. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runLine, scenarioLines } from './run-lines.js';

const sets = [
  { name: 'curated', count: 41, signals: false },
  { name: 'public', count: 400, signals: false },
  { name: 'signals', count: 336, signals: true },
];

describe.each(sets)('the $count scenarios of $name.jsonl', ({ name, count, signals }) => {
  const text = readFileSync(new URL(`golden/${name}.jsonl`, import.meta.url), 'utf8');

  it('leave the trace that Erlang/OTP leaves', async () => {
    const lines = scenarioLines(text);
    expect(lines).toHaveLength(count);
    const different: string[] = [];
    for (const { line, lineNumber } of lines) {
      const { id, trace } = await runLine(line, lineNumber, signals);
      const { trace: erlang } = JSON.parse(line) as { trace: unknown };
      if (JSON.stringify(trace) !== JSON.stringify(erlang)) different.push(id);
    }
    expect(different).toEqual([]);
  });
});
