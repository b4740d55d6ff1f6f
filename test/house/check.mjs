#!/usr/bin/env node
/**
 * `npm run check`: everything short of the tests that says whether the tree is in order. All steps run, whatever the ones
 * before them found, so that one run tells all; what a step prints is shown only when it fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const STEP_MS = 120_000;

const steps = {
  'format, lint, import directions': () => tool('biome', 'ci', '--colors=off', '--max-diagnostics=50', '.'),
  types: () => tool('tsc', '--noEmit', '--pretty', 'false', '-p', '.'),
  'types of the page': () => tool('tsc', '--noEmit', '--pretty', 'false', '-p', 'src/ops/page'),
  'protocol files': () => tool('buf', 'lint') || staleProtocol(),
  build: () => run('npm', ['run', '--silent', 'build']),
  diagrams: () =>
    run(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { runDiagrams } from './dist/src/cli/diagrams.js';
       process.exitCode = await runDiagrams({ out: 'diagrams', check: true, stdout: process.stdout, stderr: process.stderr });`,
    ]),
};

let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  const complaint = step();
  console.log(`${complaint ? '✗' : '✓'} ${name}`);
  if (!complaint) continue;
  failed += 1;
  console.log(complaint.replace(/^/gm, '    '));
}
process.exitCode = failed > 0 ? 1 : 0;

function tool(name, ...args) {
  return run(join(root, 'node_modules/.bin', name), args);
}

/** @returns what the command printed when it failed, otherwise an empty string. */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', timeout: STEP_MS });
  if (error) return `${command}: ${error.message}`;
  return status === 0 ? '' : `${stdout}${stderr}`.trim() || `${command} ended with ${status}`;
}

/** The generated code is committed; here it is generated once more, aside, and compared. */
function staleProtocol() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-proto-'));
  try {
    const complaint = tool('buf', 'generate', '-o', folder);
    if (complaint) return complaint;
    const fresh = textsIn(join(folder, 'src/grpc/gen'));
    const committed = textsIn(join(root, 'src/grpc/gen'));
    const names = [...new Set([...fresh.keys(), ...committed.keys()])];
    const stale = names.filter((name) => fresh.get(name) !== committed.get(name));
    return stale.length > 0 ? `stale, write them with "npm run proto": ${stale.join(', ')}` : '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function textsIn(folder) {
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
