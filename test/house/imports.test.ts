/**
 * Imports go one way. The linter says so while one types; this test resolves every import of `src/` and `machines/` and says
 * so once more, because the linter matches how an import is spelled and not where it leads.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importsAtRunTime, resolveImport, root, sourceFiles, withoutComments } from './source-files.js';

/** What each layer may import besides itself. Siblings are absent from each other's lists. */
const MACHINES = ['machines'];
const KERNEL = [...MACHINES, 'otp', 'flow'];
const GATEWAY = [...KERNEL, 'gateway'];
const APPLICATION = [...GATEWAY, 'ops', 'cluster', 'grpc', 'cameras', 'application'];
const below: Record<string, readonly string[]> = {
  machines: [],
  otp: MACHINES,
  flow: MACHINES,
  gateway: KERNEL,
  cameras: GATEWAY,
  grpc: GATEWAY,
  cluster: GATEWAY,
  ops: GATEWAY,
  application: APPLICATION,
  host: APPLICATION,
  cli: APPLICATION,
  testing: APPLICATION,
  index: [...APPLICATION, 'host', 'cli', 'testing'],
};

/** The layer of a file: its folder; the files at the top of `src/` and the parts of the
 * configuration are the application, except the public index. */
function layerOf(path: string): string {
  if (path.startsWith('machines/')) return 'machines';
  if (path === 'src/index.ts') return 'index';
  const [, folder, rest] = path.split('/');
  return rest === undefined || folder === 'configuration' ? 'application' : (folder ?? '');
}

const files = sourceFiles('src', 'machines');
const isRelative = (specifier: string) => specifier.startsWith('.');

describe('the imports of src and machines', () => {
  it('all lead to a file', () => {
    const dangling = files.flatMap(({ path, imports }) =>
      imports.filter(isRelative).flatMap((specifier) => {
        if (resolveImport(path, specifier) || specifier.includes('/gen/')) return [];
        return [`${path} imports ${specifier}`];
      }),
    );
    expect(dangling).toEqual([]);
  });

  it('come from folders that the direction of imports knows', () => {
    expect(files.map(({ path }) => layerOf(path)).filter((layer) => !(layer in below))).toEqual([]);
  });

  it('go one way', () => {
    const wrong = files.flatMap(({ path, imports }) => {
      const from = layerOf(path);
      return imports.filter(isRelative).flatMap((specifier) => {
        const target = resolveImport(path, specifier);
        const to = target === undefined ? from : layerOf(target);
        return to === from || below[from]?.includes(to) ? [] : [`${path} (${from}) imports ${specifier} (${to})`];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('make no cycle when the program runs', () => {
    const graph = new Map(files.map(({ path, text }) => [path, localImports(path, importsAtRunTime(text))]));
    expect(cycles(graph)).toEqual([]);
  });

  it('name only packages that package.json gives to users', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
      peerDependencies?: Record<string, string>;
    };
    const given = new Set([
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.peerDependencies ?? {}),
    ]);
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => !isRelative(specifier) && !specifier.startsWith('node:'))
        .filter((specifier) => !given.has(packageOf(specifier)) && !toleratedOf(path).includes(packageOf(specifier)))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  it('spell node modules with their protocol', () => {
    const bare = files.flatMap(({ path, imports }) =>
      imports.filter((specifier) => builtinModules.includes(specifier)).map((specifier) => `${path}: ${specifier}`),
    );
    expect(bare).toEqual([]);
  });
});

describe('the internals of XState', () => {
  const INTERNALS =
    /\._processingStatus\b|\._parent\b|\._clock\b|\._relay\b|\.scheduler\b|\._stop\b|\['_(?:processingStatus|parent|clock|relay|stop)'\]/;

  it('are touched by two files of the kernel only', () => {
    const may = ['src/otp/xstate-child.ts', 'src/otp/xstate-internals.ts'];
    const touching = files.filter(({ text }) => INTERNALS.test(withoutComments(text))).map(({ path }) => path);
    expect(touching.filter((path) => !may.includes(path))).toEqual([]);
  });
});

describe('the linter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** One import that breaks the direction for every pair of layers that may not meet, and one that is in order. */
  const cases = [
    ['machines', '../src/otp/scope.js', 'red'],
    ['machines', './terms.js', 'green'],
    ['src/otp', '../flow/outbox.js', 'red'],
    ['src/otp', '../gateway/gateway.js', 'red'],
    ['src/otp', '@grpc/grpc-js', 'red'],
    ['src/otp', '../../machines/index.js', 'green'],
    ['src/flow', '../otp/scope.js', 'red'],
    ['src/gateway', '../grpc/server.js', 'red'],
    ['src/gateway', '../application.js', 'red'],
    ['src/gateway', '@grpc/grpc-js', 'red'],
    ['src/gateway', '../otp/scope.js', 'green'],
    ['src/cameras', '../grpc/server.js', 'red'],
    ['src/grpc', '../ops/server.js', 'red'],
    ['src/grpc', '@grpc/grpc-js', 'green'],
    ['src/ops', '../cameras/clip.js', 'red'],
    ['src/ops/diagrams', '../../application.js', 'red'],
    ['src/cluster', '../grpc/server.js', 'red'],
    ['src', './cli/main.js', 'red'],
    ['src', './gateway/gateway.js', 'green'],
    ['src/cli', '../host/fastify.js', 'red'],
    ['src/cli', '../application.js', 'green'],
    ['src/host', '../cli/main.js', 'red'],
  ] as const;

  it('refuses each import against the direction and no other', () => {
    const { vcs: _vcs, $schema: _schema, ...config } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
    for (const [index, [at, specifier]] of cases.entries()) {
      mkdirSync(join(folder, at), { recursive: true });
      writeFileSync(join(folder, at, `probe-${index}.ts`), `import { x } from '${specifier}';\nx();\n`);
    }
    const run = spawnSync(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--reporter=github', '--max-diagnostics=none', '.'],
      {
        cwd: folder,
        encoding: 'utf8',
        timeout: 20_000,
      },
    );
    const refused = new Set(
      [...run.stdout.matchAll(/noRestrictedImports,file=[^,]*probe-(\d+)\.ts/g)].map((match) => Number(match[1])),
    );
    const verdicts = cases.map(([at, specifier], index) => [at, specifier, refused.has(index) ? 'red' : 'green']);
    expect(verdicts).toEqual(cases.map((one) => [...one]));
    expect(run.status).toBe(1);
  });
});

/** Packages that only a maintainer's command needs: it loads them on use and says clearly when they are absent. */
function toleratedOf(path: string): readonly string[] {
  return path.startsWith('src/ops/diagrams/') ? ['elkjs'] : [];
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

function localImports(path: string, imports: readonly string[]): string[] {
  return imports.filter(isRelative).flatMap((specifier) => resolveImport(path, specifier) ?? []);
}

/** Every way round that a walk along the imports finds, each written as `a → b → a`. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}
