/** Every way that something can happen to a stream, done to each kind of stream; `docs/teardown.md` says what came of it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamMachine } from '../../machines/stream.js';
import { wav } from '../gateway/audio-town.js';
import { KINDS, perform, SOUND } from './teardown-table.js';
import { NOT_FROM_OUTSIDE, WAYS } from './teardown-ways.js';

const PAGE = fileURLToPath(new URL('../../docs/teardown.md', import.meta.url));

const HEAD = `# How streams end

Each line was done to a running gateway, over sockets and to real processes, and this is what came of it: the reason for which
the stream's actor ended, and behind the arrow the status of its peer, where the peer could still hear. In every case nothing was
left of the stream afterwards. \`npx vitest run test/grpc/teardown\` does it again and compares; with \`UPDATE_DOCS=1\` it writes
this page. The exits are those of \`machines/stream.ts\`. An empty place: it cannot happen to that kind, whose client half-closes with its request
and has nothing more to say, or nobody is above it whom that way means. A publisher outlives a crash of its camera and feeds the next one.

`;

/** The ways out of a stream that is alive, as the chart has them. */
const exits = Object.keys(streamMachine.config.states?.['alive']?.on ?? {});

beforeAll(() => writeFileSync(SOUND, wav(60_000)));
afterAll(() => rmSync(SOUND, { force: true }));

describe('the ways in which streams end', () => {
  it('are all those of the chart', () => {
    const shown = [...WAYS.map(({ exit }) => exit), ...Object.keys(NOT_FROM_OUTSIDE)];
    expect(exits.filter((exit) => !shown.includes(exit))).toEqual([]);
    expect(shown.filter((exit) => ![...exits, 'kill', 'stallTimeout'].includes(exit))).toEqual([]);
  });

  it('end every kind of stream, whoever fails, as the page says', { timeout: 120_000 }, async () => {
    const rows: string[] = [];
    for (const way of WAYS) {
      const outcome = await perform(way);
      const cells = KINDS.map((kind) => outcome.get(kind) ?? '');
      rows.push(`| ${way.name} | \`${way.exit}\` | ${cells.join(' | ')} |`);
    }
    const table = [`| what happens | exit | ${KINDS.join(' | ')} |`, `|${'---|'.repeat(KINDS.length + 2)}`, ...rows];
    const others = Object.entries(NOT_FROM_OUTSIDE).map(([exit, why]) => `- \`${exit}\`: ${why}.`);
    const page = `${HEAD}${table.join('\n')}\n\nNot to be caused from outside:\n\n${others.join('\n')}\n`;
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, page);
    expect(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '').toBe(page);
  });
});
