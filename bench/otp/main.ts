/** Supervising here and on the BEAM, one after the other on the same machine, as a table with ratios. Above 1 is better. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { printChurn } from './churn-command.js';

type Rows = Readonly<Record<string, number>>;

if (process.argv[2] === 'churn') {
  await printChurn(process.argv.slice(3));
  process.exit(0);
}

const others: Readonly<Record<string, () => Promise<unknown>>> = {
  clients: () => import('../clients/main.js'),
  topics: () => import('../topics/main.js'),
};
const other = others[process.argv[2] ?? ''];
if (other) {
  await other();
  process.exit(0);
}

const scale = process.argv[2] ?? '1';
const root = fileURLToPath(new URL('../../../..', import.meta.url));

function measure(command: string, args: readonly string[]): Rows | undefined {
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return error || status !== 0 ? undefined : (JSON.parse(stdout) as Rows);
}

const ours = measure(process.execPath, ['--expose-gc', fileURLToPath(new URL('kernel.js', import.meta.url)), scale]);
if (!ours) process.exit(1);
const erlang = measure('escript', [`${root}/bench/otp/erlang.escript`, scale]);
if (!erlang) console.log('No column for Erlang: escript is missing (erlang-base, erlang-tools).');

const inspected = measure(process.execPath, [fileURLToPath(new URL('inspection.js', import.meta.url)), scale]);
if (!inspected) process.exit(1);

const table: object[] = Object.entries(ours).map(([what, value]) => {
  // A chart, and XState without us, are held against the plain process of the other side.
  const other = erlang?.[what] ?? erlang?.[what.replace(/^(chart|plain_xstate)_/, '')];
  const moreIsBetter = what.includes('per_s');
  const ratio = other === undefined ? '' : (moreIsBetter ? value / other : other / value).toFixed(2);
  return { what, ours: value, erlang: other ?? '', 'times as good': ratio };
});
// These are held against the inspector being absent.
for (const [what, value] of Object.entries(inspected)) {
  const times = (value / (inspected['events_per_s_inspector_absent'] as number)).toFixed(2);
  table.push({ what, ours: value, erlang: '', 'times as good': times });
}
console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
console.table(table);
