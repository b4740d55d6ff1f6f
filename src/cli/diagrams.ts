/**
 * `sluice diagrams`: writes the statecharts and the supervision tree as Mermaid and SVG, or, with `check`, says which of the
 * files no longer agree with the program. Checking writes nothing.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as machines from '../../machines/index.js';
import { chartsOf, diagramFiles } from '../ops/diagrams/diagram-files.js';
import { ElkMissingError } from '../ops/diagrams/layout.js';
import { supervisionTree } from './supervision-tree.js';

interface Output {
  write(text: string): unknown;
}

export interface DiagramsOptions {
  /** The folder of the files; made when it is missing. */
  readonly out: string;
  readonly check: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** @returns the exit code: 0, 1 when files are stale, 2 when it cannot draw. */
export async function runDiagrams({ out, check, stdout, stderr }: DiagramsOptions): Promise<number> {
  try {
    const wanted = await diagramFiles(chartsOf(machines), supervisionTree);
    const stale = staleFiles(out, wanted);
    if (check) return report(stale, { stdout, stderr, count: wanted.size });
    mkdirSync(out, { recursive: true });
    for (const name of stale) {
      const text = wanted.get(name);
      if (text === undefined) rmSync(join(out, name));
      else writeFileSync(join(out, name), text);
    }
    stdout.write(`${wanted.size} files in ${out}, ${stale.length} changed\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ElkMissingError)) throw error;
    stderr.write(`sluice diagrams: ${error.message}\n`);
    return 2;
  }
}

/** Names of files that are missing, differ, or belong to a chart that is no more. */
function staleFiles(out: string, wanted: ReadonlyMap<string, string>): string[] {
  const there = diagramsIn(out);
  const changed = [...wanted].filter(
    ([name, text]) => !there.has(name) || readFileSync(join(out, name), 'utf8') !== text,
  );
  const left = [...there].filter((name) => !wanted.has(name));
  return [...changed.map(([name]) => name), ...left];
}

function diagramsIn(out: string): Set<string> {
  try {
    return new Set(readdirSync(out).filter((name) => /\.(?:mmd|svg)$/.test(name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
}

function report(
  stale: readonly string[],
  { stdout, stderr, count }: Pick<DiagramsOptions, 'stdout' | 'stderr'> & { readonly count: number },
): number {
  if (stale.length === 0) {
    stdout.write(`${count} diagram files are up to date\n`);
    return 0;
  }
  stderr.write(`sluice diagrams: stale, write them with "npm run diagrams": ${stale.join(', ')}\n`);
  return 1;
}
