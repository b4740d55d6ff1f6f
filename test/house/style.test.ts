/** What the style page asks of every file and a machine can check. An exception is listed here with its reason or does not exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, root, sourceFiles } from './source-files.js';

const LINES_MAX = 300;

/** Files that may be longer, each with the reason. */
const longFiles: Record<string, string> = {};

const written = sourceFiles('src', 'machines', 'test', 'examples', 'bench');
const textFiles = ['src', 'machines', 'test', 'examples', 'bench', 'docs', 'diagrams', 'proto', '.ci']
  .flatMap(filesUnder)
  .concat(readdirSync(root).filter((name) => /\.(?:md|json|mjs|ts)$/.test(name)))
  .filter((path) => /\.(?:ts|mts|mjs|js|md|json|html|proto|mmd|svg|yaml|yml|run)$|\/run$/.test(path))
  .filter((path) => path !== 'package-lock.json' && !/^(?:test\/artifacts|src\/grpc\/gen)\//.test(path));

describe('a folder of src', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesUnder(`src/${entry.name}`).length > 0)
    .map((entry) => `src/${entry.name}`);

  it.each(folders)('%s says in a README what it does and what it does not know', (folder) => {
    expect(existsSync(join(root, folder, 'README.md'))).toBe(true);
  });
});

describe('a file that people write', () => {
  it(`has at most ${LINES_MAX} lines, or a listed reason`, () => {
    const long = written
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > LINES_MAX && !(path in longFiles))
      .map(({ path, lines }) => `${path}: ${lines} lines`);
    expect(long).toEqual([]);
  });

  it('is listed as long only while it is', () => {
    const stale = Object.keys(longFiles).filter((path) => {
      const file = written.find((one) => one.path === path);
      return !file || file.text.split('\n').length - 1 <= LINES_MAX;
    });
    expect(stale).toEqual([]);
  });

  it('begins with a comment that says what it is for', () => {
    const bare = written
      .filter(({ path }) => path.startsWith('src/') || path.startsWith('machines/'))
      .filter(({ text }) => !/^(?:#!.*\n)?(?:import [^;]*;\s*)*\/\*\*/.test(text))
      .map(({ path }) => path);
    expect(bare).toEqual([]);
  });

  it('has a name in kebab-case', () => {
    const odd = written.filter(
      ({ path }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*\.ts$/.test(path.split('/').at(-1) ?? ''),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  it('is not named utils, common or helpers', () => {
    const vague = written.filter(({ path }) => /(?:^|\/)(?:utils?|common|helpers?|misc)(?:\/|\.ts$)/.test(path));
    expect(vague.map(({ path }) => path)).toEqual([]);
  });

  it('leaves no note of work to do behind', () => {
    const pattern = new RegExp(`\\b(?:${['TO', 'FIX'].map((half, i) => half + ['DO', 'ME'][i]).join('|')}|X{3})\\b`);
    expect(written.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('a text of the repository', () => {
  it('names no path of the machine it was written on', () => {
    const machinePath = new RegExp(
      `(?:${['/wo' + 'rk/', '/ho' + 'me/', '/ro' + 'ot/', '/Us' + 'ers/', '\\.\\./sha' + 'red'].join('|')})`,
    );
    const naming = textFiles.filter((path) => machinePath.test(readFileSync(join(root, path), 'utf8')));
    expect(naming).toEqual([]);
  });

  it('ends with one newline', () => {
    const ragged = textFiles.filter((path) => !/[^\n]\n$/.test(readFileSync(join(root, path), 'utf8')));
    expect(ragged).toEqual([]);
  });
});
