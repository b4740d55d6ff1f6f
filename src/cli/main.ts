#!/usr/bin/env node
/** The command line: which command, with which options. What a command does is in its own file. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { runClusterStatus } from './cluster.js';
import { runDiagrams } from './diagrams.js';
import { runDoctor } from './doctor.js';
import { runEvents } from './events.js';
import { runFlight } from './flight.js';
import { runHeap } from './heap-owners.js';
import { runClients, runStreams } from './lists.js';
import { DEFAULT_URL, type RemoteOptions } from './remote.js';
import { runServe } from './serve.js';
import { runSoak } from './soak.js';
import { runTop } from './top/top.js';
import { runTree } from './tree.js';
import { runWatch } from './watch.js';
import { runWhy } from './why.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const { stdout, stderr } = process;
// Whoever reads has read enough (`sluice events | head`).
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const program = new Command('sluice')
  .description('A streaming gateway whose streams cannot outlive their reason.')
  .version(version)
  // A mistake of whoever typed it is one line and exit 2, as every error of a start; commander has more lines, and 1.
  .configureOutput({ outputError: (text, write) => write(`sluice: ${oneLine(text)} (see --help)\n`) })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command('serve')
  .description('Run the gateway: cameras in, viewers over gRPC and HTTP, a page to see what lives.')
  .option('--config <file>', 'configuration, YAML or JSON')
  .option('--camera <id=url>', 'a camera; may be given several times', collect, [])
  .option('--grpc <host:port>', 'where gRPC listens (default 127.0.0.1:50051)')
  .option('--http <host:port>', 'where the page and the API listen (default 127.0.0.1:8080)')
  .option('--record <dir>', 'record every camera into this folder, each in one of its own')
  .option('--demo', 'add the camera "demo", a clip that ships with the package, and make a token for this run')
  .option('--inspect', 'show all actors in the Stately inspector, on this machine only (needs @statelyai/inspect)')
  .addHelpText('after', '\nSIGINT and SIGTERM drain and exit 0; a second one forces and exits 1.')
  .action(async (options) => {
    process.exitCode = await runServe(options, { stdout, stderr });
  });

program
  .command('watch')
  .description('Watch a camera of a running gateway, as a gRPC client.')
  .argument('<camera>', 'id of the camera')
  .option('--address <host:port>', 'the gateway', '127.0.0.1:50051')
  .option('--out <dir>', 'write each frame as a file')
  .option('--count <n>', 'end after so many frames', positive)
  .option('--fps <n>', 'skip frames above this rate', positiveNumber)
  .option('--node <id>', 'the client this watcher belongs to')
  .option('--token <token>', 'a bearer token of the gateway; without TLS it travels as it is')
  .option('--tls', "TLS, with the machine's own certificate authorities")
  .option('--ca <file>', 'TLS, with this certificate authority (PEM)')
  .option('--cert <file>', 'a client certificate (PEM), with --key')
  .option('--key <file>', 'its private key (PEM)')
  .action(async (camera: string, options) => {
    const abort = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
    process.exitCode = await runWatch({ camera, ...options, signal: abort.signal, stdout, stderr });
  });

program
  .command('cluster')
  .description('Gateways that share an engine.')
  .command('status')
  .description('How a running gateway stands among the others. Exit 0 while it may act for its keys, else 1.')
  .argument('[url]', 'where its HTTP listens', 'http://127.0.0.1:8080')
  .option('--token <token>', 'a token of the gateway')
  .action(async (url: string, { token }: { token?: string }) => {
    process.exitCode = await runClusterStatus({ url, token, stdout, stderr });
  });

/** A command that asks a running gateway, with what all of these take. */
function remote(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--token <token>', 'a token of the gateway (default: SLUICE_TOKEN)')
    .option('--ca <file>', 'for https, who signed its certificate (PEM)');
}

const URL_ARGUMENT = ['[url]', `where its HTTP listens, with #token=… or without (default ${DEFAULT_URL})`] as const;
const JSON_OPTION = ['--json', 'for scripts: JSON and nothing else'] as const;
type Asked = Omit<RemoteOptions, 'url'> & { readonly json?: boolean };

remote('top', 'What happens in a running gateway, on this terminal (needs the packages ink and react).')
  .argument(...URL_ARGUMENT)
  .option('--once', 'say what is seen once and end; as where there is no terminal')
  .option('--interval <seconds>', 'how often to look', positiveNumber, 2)
  .option('--json', 'for scripts: as --once, as JSON')
  .addHelpText('after', '\nKeys: ? on the screen lists them. q sorts by queue; Q or Ctrl-C quits. NO_COLOR is heeded.')
  .action(async (url: string | undefined, options: Asked & { readonly once?: boolean; readonly interval: number }) => {
    const noColour = (process.env['NO_COLOR'] ?? '') !== '';
    const intervalMs = options.interval * 1_000;
    const { stdin } = process;
    process.exitCode = await runTop({ url, ...options, intervalMs, noColour, stdin, terminal: stdout, stdout, stderr });
  });

remote('tree', 'The supervision tree of a running gateway.')
  .argument(...URL_ARGUMENT)
  .option(...JSON_OPTION)
  .action(async (url: string | undefined, options: Asked) => {
    process.exitCode = await runTree({ url, ...options, stdout, stderr });
  });

remote('clients', 'The clients of a running gateway.')
  .argument(...URL_ARGUMENT)
  .option(...JSON_OPTION)
  .action(async (url: string | undefined, options: Asked) => {
    process.exitCode = await runClients({ url, ...options, stdout, stderr });
  });

remote('streams', 'The open streams of a running gateway, with what waits in each and what it has dropped.')
  .argument(...URL_ARGUMENT)
  .option(...JSON_OPTION)
  .action(async (url: string | undefined, options: Asked) => {
    process.exitCode = await runStreams({ url, ...options, stdout, stderr });
  });

remote('events', 'What has happened in a running gateway; as JSON, one object per line.')
  .argument(...URL_ARGUMENT)
  .option('--follow', 'go on until interrupted; a lost connection resumes where it broke')
  .option(...JSON_OPTION)
  .action(async (url: string | undefined, options: Asked & { readonly follow?: boolean }) => {
    const abort = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
    process.exitCode = await runEvents({ url, ...options, signal: abort.signal, stdout, stderr });
  });

remote('why', 'Why an actor ended, from the first failure on. Exit 1 where nothing is known of an end.')
  .argument('<id>', 'its path, such as sluice/cameras/camera:front')
  .argument(...URL_ARGUMENT)
  .option(...JSON_OPTION)
  .action(async (id: string, url: string | undefined, options: Asked) => {
    process.exitCode = await runWhy({ id, url, ...options, stdout, stderr });
  });

remote('flight', 'What an actor has received lately and where that led, for a file that can be replayed.')
  .argument('<id>', 'its path; it may have ended')
  .argument(...URL_ARGUMENT)
  .action(async (id: string, url: string | undefined, options: Asked) => {
    process.exitCode = await runFlight({ id, url, ...options, stdout, stderr });
  });

program
  .command('doctor')
  .description('Whether this machine can run a gateway. Exit 1 where something is wrong.')
  .option('--config <file>', 'check this configuration, and the ports that it names')
  .option(...JSON_OPTION)
  .action(async (options: { readonly config?: string; readonly json?: boolean }) => {
    process.exitCode = await runDoctor({ ...options, stdout });
  });

program
  .command('heap')
  .description(
    'Who has taken the memory: the most grown kinds between two .heapsnapshot files, or the sites of a .heapprofile.',
  )
  .argument('<files...>', 'two snapshots, the earlier one first, or one profile')
  .option('--top <n>', 'how many', positive, 10)
  .action(async (files: readonly string[], { top }: { top: number }) => {
    process.exitCode = await runHeap({ files, top, stdout, stderr });
  });

program
  .command('diagrams')
  .description('Write the statecharts and the supervision tree as Mermaid and SVG.')
  .option('--out <dir>', 'where to', 'diagrams')
  .option('--check', 'write nothing; exit 1 and name the files that are stale', false)
  .action(async (options: { out: string; check: boolean }) => {
    process.exitCode = await runDiagrams({ ...options, stdout, stderr });
  });

program
  .command('soak')
  .description(
    'Run a gateway here with clients that come, watch, die and come back; exit 1 if anything of them is left.',
  )
  .option('--minutes <n>', 'how long', positiveNumber, 1)
  .option('--clients <n>', 'how many at a time', positive, 20)
  .addHelpText('after', '\nCtrl-C ends it with the result so far; a second one at once, with 1.')
  .action(async (options: { minutes: number; clients: number }) => {
    const abort = new AbortController();
    const interrupt = (): void => (abort.signal.aborted ? process.exit(1) : abort.abort());
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
    process.exitCode = await runSoak({ ...options, signal: abort.signal, stdout, stderr });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  });

await program.parseAsync();

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number, 1 or more.');
  return value;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0.');
  return value;
}
