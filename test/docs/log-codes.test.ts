/** The codes of events: every one that is told is listed and explained, and every one that is listed is told. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../src/gateway/event-types.js';
import { sourceFiles } from '../house/source-files.js';

const PAGE = new URL('../../docs/log-codes.md', import.meta.url);

const INTRODUCTION = `# Log codes

What a gateway tells of itself: as an event (\`GET /api/events\`, the page, \`gateway.on(type, fn)\`), and as a line of the log whose
message is the code. Codes are stable; everything else is a field. Generated from \`src/gateway/event-types.ts\`.

| code | level | what |
|---|---|---|
`;

function page(): string {
  const rows = Object.entries(EVENT_TYPES).map(([code, { level, what }]) => `| \`${code}\` | ${level} | ${what} |`);
  return `${INTRODUCTION}${rows.join('\n')}\n`;
}

/** Codes at the places that tell: \`note('…'\`, \`note({ type: '…'\`, and the unions of what may be noted. */
function told(): ReadonlySet<string> {
  const codes = new Set<string>();
  for (const { path, text } of sourceFiles('src')) {
    if (path.endsWith('event-types.ts')) continue;
    const places = [
      ...text.matchAll(/\bnote\(\s*'([a-z]+(?:\.[a-zA-Z]+)?)'/g),
      ...text.matchAll(/\bnote\(\{\s*type: '([a-z]+(?:\.[a-zA-Z]+)?)'/g),
    ].map(([, code]) => code as string);
    const unions = [...text.matchAll(/type \w+Note =([^;]+);/g)].flatMap(([, union]) =>
      [...(union as string).matchAll(/'([a-z]+\.[a-zA-Z]+)'/g)].map(([, code]) => code as string),
    );
    for (const code of [...places, ...unions]) codes.add(code);
  }
  return codes;
}

describe('the codes of events', () => {
  it('E-d are explained in a page that says what the list says', () => {
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, page());
    expect(readFileSync(PAGE, 'utf8')).toBe(page());
  });

  it('are all listed where they are told', () => {
    expect([...told()].filter((code) => !(code in EVENT_TYPES)).sort()).toEqual([]);
  });

  it('are all told where they are listed', () => {
    const everything = sourceFiles('src')
      .filter(({ path }) => !path.endsWith('event-types.ts'))
      .map(({ text }) => text)
      .join('\n');
    expect(Object.keys(EVENT_TYPES).filter((code) => !everything.includes(`'${code}'`))).toEqual([]);
  });

  it('are sorted, each with a sentence', () => {
    const codes = Object.keys(EVENT_TYPES);
    expect(codes).toEqual([...codes].sort());
    for (const { what } of Object.values(EVENT_TYPES)) expect(what).toMatch(/^[A-Z].*\.$/);
  });
});
