/** The kernel as the JavaScript that is shipped, in a folder of its own, for tests that need whole Node processes. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CompiledKernel {
  /** Holds `kernel/src/otp`, `kernel/machines` and `kernel/test/conformance`. */
  readonly home: string;
  remove(): void;
}

export async function compileKernel(): Promise<CompiledKernel> {
  const home = mkdtempSync(join(tmpdir(), 'sluice-kernel-'));
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  await promisify(execFile)(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(root, 'test/conformance/tsconfig.json')],
    ...['--outDir', join(home, 'kernel'), '--incremental', 'false', '--tsBuildInfoFile', 'null'],
  ]);
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) };
}
