/**
 * `sluice doctor`: whether this machine can run a gateway, and if not, what is missing. What a gateway needs in any case is
 * a fault where it is absent; what only some configurations need is a note.
 */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { type Configuration, ConfigurationError, configure } from '../configuration.js';
import type { Output } from './remote-command.js';
import { readConfiguration } from './serve.js';
import { plain } from './terminal-text.js';

export interface DoctorCommand {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly stdout: Output;
}

/** `note`: absent, and missed by nobody yet. */
interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'note' | 'fault';
  readonly says: string;
}

const NODE_MIN = [20, 19] as const;
const FREE_BYTES_MIN = 1024 ** 3;
const PROGRAM_MS = 10_000;

/** Optional peers, and what each is for. */
const PEERS = [
  ['sharp', 'pictures for recordings and smaller frames'],
  ['@nats-io/transport-node', 'several gateways as one (cluster.nats)'],
  ['ink', 'sluice top'],
  ['react', 'sluice top'],
  ['@statelyai/inspect', 'sluice serve --inspect'],
  ['@opentelemetry/api', 'OpenTelemetry'],
] as const;

/** Resolves with the exit code: 0 where nothing is wrong, 1 where something is. */
export async function runDoctor({ config, json, stdout }: DoctorCommand): Promise<number> {
  const [checked, configuration] = checkConfiguration(config);
  const { grpc, http, cluster } = configuration;
  const findings: readonly Finding[] = [
    node(),
    checked,
    await port('gRPC port', grpc.host, grpc.port),
    await port('HTTP port', http.host, http.port),
    await disk(),
    await ffmpeg(configuration),
    ...(await Promise.all(PEERS.map(([name, purpose]) => peer(name, purpose, configuration)))),
    ...(cluster.nats === undefined ? [] : [{ what: 'NATS', state: 'ok', says: 'is asked at the start' } as const]),
  ];
  const sound = findings.every(({ state }) => state !== 'fault');
  if (json) stdout.write(`${JSON.stringify({ sound, findings })}\n`);
  else for (const { what, state, says } of findings) stdout.write(`${state.padEnd(5)}  ${what}: ${plain(says)}\n`);
  return sound ? 0 : 1;
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]);
  const says = old ? `${process.version}, expected ${NODE_MIN.join('.')} or later` : process.version;
  return { what: 'Node', state: old ? 'fault' : 'ok', says };
}

/** The rest is looked at with the defaults where the configuration cannot be read. */
function checkConfiguration(path: string | undefined): readonly [Finding, Configuration] {
  const what = 'configuration';
  if (path === undefined) return [{ what, state: 'ok', says: 'the defaults (no --config)' }, configure({})];
  try {
    return [{ what, state: 'ok', says: path }, configure(readConfiguration(path))];
  } catch (error) {
    const lines = error instanceof ConfigurationError ? error.message.split('\n') : [(error as Error).message];
    return [{ what, state: 'fault', says: lines.join('; ') }, configure({})];
  }
}

async function port(what: string, host: string, number: number): Promise<Finding> {
  if (number === 0) return { what, state: 'ok', says: `any free one on ${host}` };
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: number, exclusive: true }, resolve);
    });
    return { what, state: 'ok', says: `${host}:${number} is free` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const says = code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be bound: ${code}`;
    return { what, state: 'fault', says: `${host}:${number} ${says}` };
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

async function disk(): Promise<Finding> {
  const { bavail, bsize } = await statfs('.');
  const free = bavail * bsize;
  const says = `${(free / 1024 ** 3).toFixed(1)} GiB free here`;
  return { what: 'disk', state: free < FREE_BYTES_MIN ? 'note' : 'ok', says };
}

/** Any source that is none of our own is read by ffmpeg. */
async function ffmpeg({ cameras }: Configuration): Promise<Finding> {
  const needed = cameras.some(({ source }) => !/^(?:clip|https?|grpcs?|push):/.test(source));
  try {
    const { stdout } = await promisify(execFile)('ffmpeg', ['-version'], { timeout: PROGRAM_MS });
    return { what: 'ffmpeg', state: 'ok', says: /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'present' };
  } catch {
    // Not there, or not able to say its version: either way no source can be read by it.
    return { what: 'ffmpeg', state: needed ? 'fault' : 'note', says: 'not found; rtsp:// and ffmpeg: sources need it' };
  }
}

async function peer(name: string, purpose: string, { cluster }: Configuration): Promise<Finding> {
  const needed = name.startsWith('@nats-io/') && cluster.nats !== undefined;
  try {
    await import(name);
    return { what: name, state: 'ok', says: 'present' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const says = `${absent ? 'not installed' : 'cannot be loaded'}; needed for ${purpose}: npm install ${name}`;
    return { what: name, state: needed ? 'fault' : 'note', says };
  }
}
