/**
 * Builds the command that the tests of this folder run, once for all of them. A build that fails is told to each of them,
 * and to none of the other tests.
 */
import { spawnSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { root } from '../house/source-files.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the build complained of; empty when it succeeded. */
    readonly buildFault: string;
  }
}

const BUILD_MS = 240_000;

export function setup(project: TestProject): void {
  const { status, stdout, stderr, error } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    encoding: 'utf8',
    timeout: BUILD_MS,
  });
  const fault = status === 0 ? '' : `npm run build: exit ${status}\n${error?.message ?? ''}${stdout}${stderr}`;
  project.provide('buildFault', fault);
}
