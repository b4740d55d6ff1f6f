/**
 * `sluice heap`: who has taken the memory. Of two heap snapshots the kinds of objects that have grown most between them; of a
 * sampled heap profile (`node --heap-prof`) the places in the program that have allocated most of what was still alive. How to get
 * the files is in `docs/profiling.md`. Nothing here needs a running gateway.
 */
import { readFile } from 'node:fs/promises';

export interface HeapOptions {
  readonly files: readonly string[];
  readonly top: number;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** One line of the answer. */
export interface Owner {
  readonly name: string;
  readonly bytes: number;
  readonly count: number;
}

/** @returns the exit code. */
export async function runHeap({ files, top, stdout, stderr }: HeapOptions): Promise<number> {
  try {
    const owners = await ownersOf(files);
    const lines = owners
      .slice(0, top)
      .map(({ name, bytes, count }) => `${kib(bytes)}  ${pad(String(count), 9)}  ${name}`);
    const [what, growth] = files.length === 2 ? ['of kind', '+'] : ['allocated at', ''];
    stdout.write(`${pad(`${growth}KiB`, 12)}  ${pad(`${growth}count`, 9)}  ${what}\n${lines.join('\n')}\n`);
    return 0;
  } catch (error) {
    stderr.write(`sluice heap: ${(error as Error).message}\n`);
    return 2;
  }
}

async function ownersOf(files: readonly string[]): Promise<readonly Owner[]> {
  const [first, second] = files;
  if (first !== undefined && second === undefined && first.endsWith('.heapprofile'))
    return allocationSites(await json(first));
  if (first === undefined || second === undefined || files.length > 2) {
    throw new Error('expected two .heapsnapshot files, the earlier one first, or one .heapprofile');
  }
  return growth(sizesByKind(await json(first), first), sizesByKind(await json(second), second));
}

/** What has grown, the most bytes first. */
export function growth(before: ReadonlyMap<string, Owner>, after: ReadonlyMap<string, Owner>): readonly Owner[] {
  return [...after.values()]
    .map(({ name, bytes, count }) => {
      const earlier = before.get(name);
      return { name, bytes: bytes - (earlier?.bytes ?? 0), count: count - (earlier?.count ?? 0) };
    })
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
}

interface Snapshot {
  readonly snapshot?: {
    readonly meta?: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] };
  };
  readonly nodes?: readonly number[];
  readonly strings?: readonly string[];
}

/** The sizes of a snapshot by the kind of object: its constructor's name, or what V8 calls it. See v8's heap-profiler. */
function sizesByKind({ snapshot, nodes, strings }: Snapshot, file: string): ReadonlyMap<string, Owner> {
  const meta = snapshot?.meta;
  if (!meta || !nodes || !strings) throw new Error(`${file}: expected a heap snapshot of V8`);
  const at = (field: string): number => meta.node_fields.indexOf(field);
  const [type, name, size, fields] = [at('type'), at('name'), at('self_size'), meta.node_fields.length];
  const byKind = new Map<string, { name: string; bytes: number; count: number }>();
  for (let node = 0; node < nodes.length; node += fields) {
    const kind = meta.node_types[0][nodes[node + type] as number] as string;
    // Objects are known by their constructor; of strings and code the name would be their text.
    const owner =
      kind === 'object' || kind === 'native' ? (strings[nodes[node + name] as number] as string) : `(${kind})`;
    const known = byKind.get(owner) ?? { name: owner, bytes: 0, count: 0 };
    known.bytes += nodes[node + size] as number;
    known.count += 1;
    byKind.set(owner, known);
  }
  return byKind;
}

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

/** Places by what they have allocated, wherever they were called from. */
function allocationSites({ head }: { readonly head?: ProfileNode }): readonly Owner[] {
  if (!head) throw new Error('expected a heap profile of V8');
  const sites = new Map<string, { name: string; bytes: number; count: number }>();
  const rest = [head];
  for (let node = rest.pop(); node; node = rest.pop()) {
    rest.push(...node.children);
    if (node.selfSize === 0) continue;
    const { functionName, url, lineNumber } = node.callFrame;
    const name = `${functionName || '(anonymous)'} ${url === '' ? '' : `${url}:${lineNumber + 1}`}`.trim();
    const known = sites.get(name) ?? { name, bytes: 0, count: 0 };
    known.bytes += node.selfSize;
    known.count += 1;
    sites.set(name, known);
  }
  return [...sites.values()].sort((a, b) => b.bytes - a.bytes);
}

async function json<T>(file: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file}: expected JSON, as V8 writes it`);
  }
}

function kib(bytes: number): string {
  return pad((bytes / 1024).toFixed(1), 12);
}

function pad(text: string, width: number): string {
  return text.padStart(width);
}
