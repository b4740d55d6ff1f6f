/** What was promised before a change is still looked at after it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../house/source-files.js';
// @ts-expect-error: plain JavaScript, so that it runs on Node 20 without a build.
import { numbersOf, readStatements } from './statements.mjs';

interface Statement {
  readonly id: string;
  readonly aside: string | undefined;
}

const statements: readonly Statement[] = readStatements(
  readFileSync(join(root, 'docs/acceptance.md'), 'utf8'),
).statements;

/** The numbers at the front of every title that is written out in a test file. */
function carried(): ReadonlySet<string> {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const titles = files
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('acceptance'))
    .flatMap((file) => [...readFileSync(join(root, 'test', file), 'utf8').matchAll(/['"`]([A-Z]\d?-[^\n]*)/g)])
    .map(([, title]) => title ?? '');
  return new Set(titles.flatMap((title) => numbersOf(title) as string[]));
}

describe('the earlier behaviours of the client manager', () => {
  it('S3-25 each have a test that carries its number: M-C3 to M-C30', () => {
    const earlier = statements.filter(({ id, aside }) => id.startsWith('M-C') && aside === undefined);
    expect(earlier).toHaveLength(28);
    const tests = carried();
    expect(earlier.filter(({ id }) => !tests.has(id)).map(({ id }) => id)).toEqual([]);
  });
});
