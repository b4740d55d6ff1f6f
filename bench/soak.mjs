/**
 * `npm run soak`: a real gateway with real clients for `--minutes M` (the options are those of `sluice soak`), or the
 * gateway and then the cluster on virtual time for `--sim N` seeds each, from `--from`; `--engine ROUNDS` kills each of three NATS servers so often while keys
 * are taken. With several, one after the other. Ends with 1 when anything is left, a seed fails or a claim is lost.
 */
import { spawn } from 'node:child_process';

const args = process.argv.slice(2);
const simulated = ['--sim', '--from'];
const engineAt = args.indexOf('--engine');
const rounds = engineAt < 0 ? undefined : args.splice(engineAt, 2)[1];
const sim = args.flatMap((arg, at) =>
  simulated.includes(arg) ? [arg.replace('--sim', '--seeds'), args[at + 1] ?? ''] : [],
);
const real = args.filter((arg, at) => !simulated.includes(arg) && !simulated.includes(args[at - 1] ?? ''));

/** Ctrl-C reaches the program that runs; this one waits for its result. */
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => running?.kill(signal));
let running;

/** Runs a program to its end; the soak ends with the first that does not end well. */
async function run(...command) {
  running = spawn(command[0], command.slice(1), { stdio: 'inherit', detached: true });
  const code = await new Promise((resolve) => running.once('exit', (status) => resolve(status ?? 1)));
  if (code !== 0) process.exit(code);
}

if (sim.length > 0) {
  await run('npx', 'tsc', '-p', 'test/simulation');
  await run(process.execPath, 'dist/simulation/test/simulation/main.js', ...sim);
  await run('npx', 'tsc', '-p', 'test/cluster');
  await run(process.execPath, 'dist/cluster-simulation/test/cluster/main.js', ...sim);
}
if (rounds !== undefined) {
  process.env.SLUICE_ENGINE_ROUNDS = rounds;
  await run('npx', 'vitest', 'run', 'test/e2e/cluster-engine-loss.test.ts');
}
if ((sim.length === 0 && rounds === undefined) || real.length > 0) {
  await run('npm', 'run', '--silent', 'build');
  await run(process.execPath, 'dist/src/cli/main.js', 'soak', ...real);
}
