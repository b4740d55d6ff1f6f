/**
 * What a user gets: the package is packed from a clean copy of the sources, installed into an empty project and used from
 * there, where nothing of this repository is at hand.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../house/source-files.js';

const SLOW_MS = 240_000;
const SOURCES = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'bundle-page.mjs',
  'copy-assets.mjs',
  'diagrams',
  'src',
  'machines',
  'proto',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
];

let folder = '';
let user = '';
let packed: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  for (const name of SOURCES)
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const [{ filename, files }] = JSON.parse(succeed(run('npm', ['pack', '--json', '--pack-destination', folder], copy)));
  packed = files.map(({ path }: { path: string }) => path);

  user = join(folder, 'user');
  mkdirSync(user);
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  succeed(run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, filename)], user));
}, SLOW_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('carries the page, the clip, the protocol, the licence and what changed', () => {
    for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json', 'dist/src/cli/main.js'])
      expect(packed).toContain(name);
    expect(packed.filter((path) => /^proto\/sluice\/v1\/.*\.proto$/.test(path)).length).toBeGreaterThan(0);
    expect(packed.filter((path) => path.endsWith('.mjpeg'))).toHaveLength(1);
    expect(packed.filter((path) => path.endsWith('.html'))).toEqual(['dist/src/ops/page.html']);
  });

  it('carries no tests, no sources and nothing else', () => {
    const expected =
      /^(?:dist\/(?:src|machines|diagrams)\/|observability\/|proto\/|(?:LICENSE|README\.md|CHANGELOG\.md|package\.json)$)/;
    expect(packed.filter((path) => !expected.test(path))).toEqual([]);
    expect(packed.filter((path) => /(?:^|\/)test\/|\.test\.|(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });

  it('has no source map that points to a missing source', () => {
    const at = join(user, 'node_modules/sluice');
    const dangling = packed
      .filter((path) => path.endsWith('.map'))
      .filter((path) => {
        const { sources, sourcesContent } = JSON.parse(readFileSync(join(at, path), 'utf8'));
        const isThere = (source: string, index: number) =>
          typeof sourcesContent?.[index] === 'string' || existsSync(join(at, dirname(path), source));
        return !sources.every(isThere);
      });
    expect(dangling).toEqual([]);
  });
});

describe(
  'a project that has installed the package',
  () => {
    it.each(['sluice', 'sluice/otp', 'sluice/machines', 'sluice/testing'])('imports %s under Node', (name) => {
      const script = `const all = await import('${name}'); console.log(Object.keys(all).length)`;
      expect(Number(succeed(run(process.execPath, ['--input-type=module', '--eval', script], user)))).toBeGreaterThan(
        0,
      );
    });

    it('gets types that compile under strict options', () => {
      writeFileSync(join(user, 'program.ts'), PROGRAM);
      writeFileSync(
        join(user, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            target: 'ES2023',
            lib: ['ES2023', 'ESNext.Disposable'],
            module: 'NodeNext',
            exactOptionalPropertyTypes: true,
            types: ['node'],
            typeRoots: [join(root, 'node_modules/@types')],
            skipLibCheck: true,
          },
          files: ['program.ts'],
        }),
      );
      expect(succeed(run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], user))).toBe('');
    });

    it('finds the protocol files by their subpath', () => {
      const [proto] = readdirSync(join(root, 'proto/sluice/v1'));
      const script = `console.log(import.meta.resolve('sluice/proto/sluice/v1/${proto}'))`;
      expect(succeed(run(process.execPath, ['--input-type=module', '--eval', script], user))).toContain(`${proto}`);
    });

    it('runs the command', () => {
      const help = succeed(run('npx', ['--no-install', 'sluice', '--help'], user));
      expect(help).toMatch(/\bserve\b/);
      expect(help).toMatch(/\bwatch\b/);
    });

    it('is told which package drawing diagrams needs', () => {
      const { status, stderr, stdout } = run(
        'npx',
        ['--no-install', 'sluice', 'diagrams', '--out', join(folder, 'd')],
        user,
      );
      expect(`${stdout}${stderr}`).toMatch(/elkjs/);
      expect(status).toBe(2);
    });
  },
  SLOW_MS,
);

/** Uses what the README shows first, so that a wrong or missing type of the public API is a compile error. */
const PROGRAM = `
import { createGateway } from 'sluice';
import { cameraMachine, type ExitReason } from 'sluice/machines';
const gateway = createGateway({ cameras: [{ id: 'demo', source: 'clip:' }] });
const reason: ExitReason = { shutdown: 'drain' };
const id: string = cameraMachine.id;
export async function main(): Promise<void> {
  await gateway.start();
  await gateway.stop({ deadlineMs: 1000 });
  console.log(id, reason);
}
`;

function run(command: string, args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd, encoding: 'utf8', timeout: SLOW_MS });
}

/** The output of a command that has to succeed; what it said is in the error when it did not. */
function succeed({ status, stdout, stderr, error }: SpawnSyncReturns<string>): string {
  if (status !== 0) throw new Error(`exit ${status}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout.trim();
}
