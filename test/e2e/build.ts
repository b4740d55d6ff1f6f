/** Builds the command that the tests of this folder run, once for all of them. */
import { spawnSync } from 'node:child_process';
import { root } from '../house/source-files.js';

const BUILD_MS = 240_000;

export function setup(): void {
  const { status, stdout, stderr, error } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    encoding: 'utf8',
    timeout: BUILD_MS,
  });
  if (status !== 0) throw new Error(`npm run build: exit ${status}\n${error?.message ?? ''}${stdout}${stderr}`);
}
