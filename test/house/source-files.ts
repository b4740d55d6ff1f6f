/** The project's own sources as data: which files there are and what each one imports. Read once, judged by the tests beside it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const generated = (path: string) => path.startsWith('src/grpc/gen/');

/** Every TypeScript file under these folders that people write, in a fixed order. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => filesUnder(folder))
    .filter((path) => path.endsWith('.ts') && !generated(path))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, imports: importsOf(text) };
    });
}

/** Every file under a folder of the repository, as paths from its root. */
export function filesUnder(folder: string): string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort();
}

const STATIC = /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm;
const SIDE_EFFECT = /^\s*import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** What a source imports: static, type-only and dynamic imports and re-exports alike. Comments do not count. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return [STATIC, SIDE_EFFECT, DYNAMIC].flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1] ?? ''),
  );
}

/** What is left of a source's imports when it runs: `import type` and `export type` vanish in the build. */
export function importsAtRunTime(text: string): string[] {
  return importsOf(text.replace(/^\s*(?:import|export)\s+type\b[^;]*;/gm, ''));
}

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

/** The file that a relative import names, as a path from the root; undefined when there is none. */
export function resolveImport(from: string, specifier: string): string | undefined {
  const target = join(dirname(from), specifier).split(sep).join('/');
  const candidates = [target.replace(/\.js$/, '.ts'), target];
  return candidates.find((path) => existsSync(join(root, path)));
}
