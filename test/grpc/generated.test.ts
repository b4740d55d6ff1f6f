import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fresh = mkdtempSync(join(tmpdir(), 'sluice-proto-'));
const generated = 'src/grpc/gen';

afterAll(() => rmSync(fresh, { recursive: true }));

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length), readFileSync(path, 'utf8')];
    }),
  );
}

describe('the generated code', () => {
  it('is what `npm run proto` makes of the .proto files', () => {
    const buf = join(root, 'node_modules/.bin/buf');
    execFileSync(buf, ['generate', '--output', fresh], { cwd: root, stdio: 'pipe' });
    const expected = contents(join(fresh, generated));
    expect(Object.keys(expected)).not.toEqual([]);
    expect(contents(join(root, generated))).toEqual(expected);
  });
});
