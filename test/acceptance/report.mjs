#!/usr/bin/env node
/**
 * `npm run acceptance`: every statement of `docs/acceptance.md` with the tests whose titles carry its number, and their state.
 *
 *   --results FILE    reads vitest's json report instead of running the tests
 *   --section S3      only that section
 *   --missing         only statements without a passing test
 *
 * A number may stand at the front of a test's title or of a `describe` around it. Exit 1 when a statement's test fails, when a
 * test file could not be run, or when a title carries a number that the list does not know; a missing test is no failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { numbersOf, readStatements } from './statements.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const USAGE = `usage: npm run -s acceptance -- [--results FILE] [--section S3] [--missing]

  --results FILE    read vitest's json report instead of running all the tests, which takes a quarter of an hour
  --section S3      only that section
  --missing         only statements without a passing test
`;

/** @returns {number} the exit code. */
export function main(args, write) {
  let values;
  try {
    const [text, flag] = [{ type: 'string' }, { type: 'boolean', default: false }];
    const options = { results: text, section: text, missing: flag, help: flag };
    values = parseArgs({ args, options }).values;
  } catch (error) {
    write(`acceptance: ${error.message}\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    write(USAGE);
    return 0;
  }
  const { statements, sections } = readStatements(readFileSync(join(root, 'docs/acceptance.md'), 'utf8'));
  if (values.section !== undefined && !sections.has(values.section)) {
    write(`acceptance: unknown section "${values.section}", expected one of ${[...sections.keys()].join(', ')}\n`);
    return 2;
  }
  const results = values.results === undefined ? runTests() : JSON.parse(readFileSync(values.results, 'utf8'));
  const { byNumber, unknown, broken } = collect(results, new Set(statements.map(({ id }) => id)));

  const wanted = [...sections].filter(([section]) => values.section === undefined || section === values.section);
  const total = { passing: 0, failing: 0, skipped: 0, 'no test': 0, aside: 0 };
  for (const [section, title] of wanted) {
    const count = { passing: 0, failing: 0, skipped: 0, 'no test': 0, aside: 0 };
    const lines = [];
    for (const { id, text, aside } of statements.filter((statement) => statement.section === section)) {
      const tests = byNumber.get(id) ?? [];
      const state = tests.length === 0 && aside ? 'aside' : stateOf(tests);
      count[state] += 1;
      if (values.missing && (state === 'passing' || state === 'aside')) continue;
      lines.push(`  ${MARK[state]} ${id.padEnd(6)} ${wrapped(text, state === 'no test' ? ' (no test)' : '')}\n`);
      for (const test of tests) lines.push(`           ${MARK[stateOf([test])]} ${test.file} › ${test.name}\n`);
    }
    write(`\n${section} ${title}\n${lines.join('')}  ${totals(count)}\n`);
    for (const state of Object.keys(total)) total[state] += count[state];
  }
  for (const { file, name, id } of unknown) write(`\nunknown number ${id}: ${file} › ${name}`);
  for (const file of broken) write(`\ncould not be run: ${file}`);
  write(`\nacceptance: ${totals(total)}\n`);
  return total.failing > 0 || unknown.length > 0 || broken.length > 0 ? 1 : 0;
}

const MARK = { passing: '✓', failing: '✗', skipped: '~', 'no test': '·', aside: '-' };

/** Failing if any test fails; passing only when one has really run. */
export function stateOf(tests) {
  if (tests.some(({ status }) => status === 'failed')) return 'failing';
  if (tests.some(({ status }) => status === 'passed')) return 'passing';
  return tests.length === 0 ? 'no test' : 'skipped';
}

/** Sorts the tests of a vitest report by the numbers that they and the groups around them carry. */
export function collect(results, known) {
  const byNumber = new Map();
  const unknown = [];
  const broken = [];
  for (const { name, status, assertionResults } of results.testResults) {
    const file = relative(root, name);
    if (status === 'failed' && assertionResults.length === 0) broken.push(file);
    for (const { ancestorTitles, title, status: outcome } of assertionResults) {
      const titles = [...ancestorTitles, title].filter((part) => part !== '');
      for (const id of new Set(titles.flatMap(numbersOf))) {
        const test = { file, name: titles.join(' › '), status: outcome };
        if (!known.has(id)) unknown.push({ ...test, id });
        else byNumber.set(id, [...(byNumber.get(id) ?? []), test]);
      }
    }
  }
  return { byNumber, unknown, broken };
}

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-acceptance-'));
  try {
    const file = join(folder, 'results.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    spawnSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${file}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function totals({ passing, failing, skipped, 'no test': none, aside }) {
  const rest = aside > 0 ? `, ${aside} without need of one` : '';
  return `${passing} passing, ${failing} failing, ${skipped} skipped, ${none} no test${rest}`;
}

/** The statement without its marks, on as many lines as it needs, and its remark at the end. */
function wrapped(text, remark) {
  const words = `${text.replace(/\*\*/g, '').replace(/^\[[^\]]*\] /, '')}${remark}`.split(' ');
  const lines = [''];
  for (const word of words) {
    const last = lines.length - 1;
    if (lines[last].length + word.length > 106) lines.push(word);
    else lines[last] += lines[last] === '' ? word : ` ${word}`;
  }
  return lines.join(`\n${' '.repeat(11)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', () => process.exit());
  process.exitCode = main(process.argv.slice(2), (text) => process.stdout.write(text));
}
