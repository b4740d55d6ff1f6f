import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../house/source-files.js';
// @ts-expect-error: plain JavaScript, so that it runs on Node 20 without a build.
import { collect, stateOf } from './report.mjs';
// @ts-expect-error: plain JavaScript, so that it runs on Node 20 without a build.
import { numbersOf, readStatements } from './statements.mjs';

const { statements, sections } = readStatements(readFileSync(join(root, 'docs/acceptance.md'), 'utf8'));
const ids: string[] = statements.map(({ id }: { id: string }) => id);

describe('the list of acceptance', () => {
  it('has every section', () => {
    expect([...sections.keys()]).toEqual(['S0', 'S1', 'S2', 'S3', 'S4', 'D', 'M', 'L', 'E']);
  });

  it('has each number once, and none missing between the first and the last', () => {
    expect(new Set(ids).size).toBe(ids.length);
    const series = new Map<string, number[]>();
    for (const id of ids) {
      const [, name = '', number = ''] = /^(.*?)(\d*)$/.exec(id) ?? [];
      if (number !== '') series.set(name, [...(series.get(name) ?? []), Number(number)]);
    }
    for (const [name, numbers] of series) expect([name, numbers]).toEqual([name, numbers.map((_, index) => index + 1)]);
    expect(Object.fromEntries([...series].map(([name, numbers]) => [name, numbers.length]))).toEqual({
      'S0-': 36,
      'S1-': 31,
      'S2-': 31,
      'S3-': 29,
      'S4-': 27,
      'D-': 32,
      'M-C': 30,
      'M-P': 20,
      'M-R': 18,
      'M-H': 9,
      'M-T': 13,
      'M-M': 22,
      'M-S': 14,
      'M-G': 17,
      L: 15,
      'E-a': 8,
    });
  });
});

describe('the title of a test', () => {
  it.each([
    ['S0-1 opens one channel', ['S0-1']],
    ['S3-4 S3-5 M-C9 a lookup finds nothing', ['S3-4', 'S3-5', 'M-C9']],
    ['S3-4, S3-5 and L3: a lookup', ['S3-4', 'S3-5', 'L3']],
    ['E-a1 E-c answers', ['E-a1', 'E-c']],
    ['D-32', ['D-32']],
    ['keeps L1 and S3-1 out of the middle', []],
    ['L1cache is not a number', []],
  ])('"%s" carries %j', (title, numbers) => {
    expect(numbersOf(title)).toEqual(numbers);
  });
});

describe('the report', () => {
  const results = {
    testResults: [
      {
        name: join(root, 'test/a.test.ts'),
        status: 'failed',
        assertionResults: [
          { ancestorTitles: ['S0-1 a camera'], title: 'opens', status: 'passed' },
          { ancestorTitles: [''], title: 'S0-1 S0-2 opens lazily', status: 'failed' },
          { ancestorTitles: [], title: 'S9-99 is in no list', status: 'passed' },
          { ancestorTitles: [], title: 'S0-3 waits for a component', status: 'skipped' },
        ],
      },
      { name: join(root, 'test/b.test.ts'), status: 'failed', assertionResults: [] },
    ],
  };
  const { byNumber, unknown, broken } = collect(results, new Set(ids));

  it('gives a test to each number on it and on the group around it', () => {
    expect(byNumber.get('S0-1')).toHaveLength(2);
    expect(byNumber.get('S0-2')).toHaveLength(1);
  });

  it('calls a statement failing when one of its tests fails, and skipped when none has run', () => {
    expect(stateOf(byNumber.get('S0-1'))).toBe('failing');
    expect(stateOf(byNumber.get('S0-3'))).toBe('skipped');
    expect(stateOf([])).toBe('no test');
  });

  it('names titles with unknown numbers and files that could not be run', () => {
    expect(unknown.map(({ id }: { id: string }) => id)).toEqual(['S9-99']);
    expect(broken).toEqual(['test/b.test.ts']);
  });
});
