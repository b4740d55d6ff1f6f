/**
 * `npm run -s bench -- clients [SCALE]`: the client manager here and a `gen_server` that does the same on the BEAM, by turns
 * in one run on the same machine, as a table with ratios. Above 1 is better. The best of all turns counts on either side.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

type Rows = Record<string, number>;

const TURNS = 2;
/** As `sluice serve` runs: see `src/cli/heap.ts`. */
const NODE_FLAGS = ['--expose-gc', '--no-allocation-site-pretenuring'];
const scale = process.argv[3] ?? '1';
const root = fileURLToPath(new URL('../../../..', import.meta.url));

function measure(best: Rows, command: string, args: readonly string[]): boolean {
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) return false;
  for (const [what, value] of Object.entries(JSON.parse(stdout) as Rows)) {
    best[what] = Math.max(best[what] ?? 0, value);
  }
  return true;
}

const memory: Rows = {};
measure(memory, process.execPath, ['--expose-gc', fileURLToPath(new URL('session-memory.js', import.meta.url))]);

const ours: Rows = {};
const erlang: Rows = {};
for (let turn = 0; turn < TURNS; turn += 1) {
  const program = fileURLToPath(new URL('clients.js', import.meta.url));
  if (!measure(ours, process.execPath, [...NODE_FLAGS, program, scale])) process.exit(1);
  if (measure(erlang, 'escript', [`${root}/bench/clients/erlang.escript`, scale])) continue;
  console.log('No column for Erlang: escript is missing (erlang-base, erlang-tools).');
  break;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
console.table(
  Object.entries(ours).map(([what, value]) => {
    const other = erlang[what];
    return { what, ours: value, erlang: other ?? '', 'times as good': other ? (value / other).toFixed(2) : '' };
  }),
);
for (const [what, value] of Object.entries(memory)) console.log(`${what}: ${value}`);
