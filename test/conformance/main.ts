/**
 * `npm run -s conformance -- --in FILE --out FILE [--signals]`: runs scenarios against the real supervisors and processes
 * on virtual time and writes the same lines with what happened as `trace`. A line that is no scenario ends it with exit
 * code 2 and one line that names the line and the field.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runLine, scenarioLines } from './run-lines.js';
import { ScenarioError } from './scenario.js';

const PROGRESS_EVERY = 500;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      in: { type: 'string' },
      out: { type: 'string' },
      signals: { type: 'boolean', default: false },
    },
  });
  if (values.in === undefined || values.out === undefined) {
    throw new ScenarioError('usage: npm run -s conformance -- --in FILE --out FILE [--signals]');
  }
  const lines = scenarioLines(readFileSync(values.in, 'utf8'));
  const traced: string[] = [];
  for (const { line, lineNumber } of lines) {
    traced.push(`${JSON.stringify(await runLine(line, lineNumber, values.signals))}\n`);
    if (process.stderr.isTTY && traced.length % PROGRESS_EVERY === 0) {
      process.stderr.write(`\r${traced.length} of ${lines.length}`);
    }
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${traced.length} of ${lines.length}\n`);
  writeFileSync(values.out, traced.join(''));
}

main().catch((error: unknown) => {
  const { code } = error as { code?: string };
  const known =
    error instanceof ScenarioError || code?.startsWith('ERR_PARSE_ARGS') || code === 'ENOENT' || code === 'EACCES';
  process.stderr.write(`conformance: ${known ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = known ? 2 : 1;
});
