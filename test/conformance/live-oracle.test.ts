/**
 * Fresh random scenarios, answered by real Erlang/OTP here and now and by us. The seed is printed; `SLUICE_SEED=…` replays.
 * Needs `escript` (Debian: erlang-base and erlang-tools); without it the suite says so, and under CI it fails.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runLine, scenarioLines } from './run-lines.js';

const seed = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const erlangIsHere = spawnSync('escript', [], { stdio: 'ignore' }).error === undefined;
const needed = erlangIsHere || process.env['CI'] !== undefined;

/** Signal scenarios cost Erlang real time, because its processes come to rest on the real clock. */
const sets = [
  { name: 'supervisors', count: 2_000, parts: 1, signals: false },
  { name: 'signals', count: 100, parts: 10, signals: true },
];

const oracleFile = (name: string): string => fileURLToPath(new URL(`oracle/${name}`, import.meta.url));

async function generate(name: string, count: number): Promise<string> {
  const args = [oracleFile(`generate-${name}.mjs`), '--seed', String(seed), '--n', String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 });
  return stdout;
}

/** What Erlang answers to these lines. */
async function askErlang(name: string, lines: readonly string[]): Promise<readonly { readonly trace: unknown }[]> {
  const erlang = spawn('escript', [oracleFile(`${name}.escript`)], { stdio: ['pipe', 'pipe', 'inherit'] });
  erlang.stdin.end(`${lines.join('\n')}\n`);
  const answers = await text(erlang.stdout);
  return answers
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe.skipIf(!needed)(`fresh scenarios of seed ${seed}, beside real Erlang/OTP (skipped without escript)`, () => {
  it.each(sets)(
    'leave the same trace on both sides: $count of $name',
    async ({ name, count, parts, signals }) => {
      console.log(`${name}: seed ${seed} (SLUICE_SEED=${seed} replays it)`);
      expect(erlangIsHere, 'escript is missing: install erlang-base and erlang-tools').toBe(true);
      const lines = scenarioLines(await generate(name, count));
      expect(lines).toHaveLength(count);
      const size = Math.ceil(count / parts);
      const answers = await Promise.all(
        Array.from({ length: parts }, (_, part) =>
          askErlang(
            name,
            lines.slice(part * size, (part + 1) * size).map(({ line }) => line),
          ),
        ),
      );
      const erlang = answers.flat();
      const different: string[] = [];
      for (const [index, { line, lineNumber }] of lines.entries()) {
        const { id, trace } = await runLine(line, lineNumber, signals);
        if (JSON.stringify(trace) !== JSON.stringify(erlang[index]?.trace)) different.push(`${id}: ${line}`);
      }
      expect(different).toEqual([]);
    },
    120_000,
  );
});
