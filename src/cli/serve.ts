/**
 * `sluice serve`: the gateway as a process of its own. Flags win over the file, the file over the defaults. What is wrong
 * before it runs is one line on stderr and exit 2; a signal drains and exits 0, a second one forces and exits 1.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { nanoid } from 'nanoid';
import { parse, YAMLParseError } from 'yaml';
import { ConfigurationError, type ConfigurationInput } from '../configuration.js';
import { createGateway, type SluiceGateway } from '../create-gateway.js';
import { expectShortLives } from './heap.js';

export interface ServeOptions {
  readonly config?: string;
  readonly camera: readonly string[];
  readonly grpc?: string;
  readonly http?: string;
  readonly demo?: boolean;
  /** Every camera is recorded here, but for those whose configuration says where. */
  readonly record?: string;
  readonly inspect?: boolean;
}

interface Output {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** A mistake of whoever started it: said in one line, without a stack. */
class UsageError extends Error {}

const CONFIG_BYTES_MAX = 1024 * 1024;

/** Runs until a signal. @returns the exit code. */
export async function runServe(options: ServeOptions, output: Output): Promise<number> {
  expectShortLives();
  let gateway: SluiceGateway;
  let page: { readonly token: string | undefined };
  try {
    const input = configurationOf(options);
    page = { token: input.http?.token };
    gateway = createGateway({ ...input, inspect: options.inspect === true });
    await gateway.start();
  } catch (error) {
    for (const line of startUpLines(error)) output.stderr.write(`sluice serve: ${line}\n`);
    return 2;
  }
  announce(gateway, options.demo === true ? page.token : undefined, output);
  return untilSignalled(gateway, output);
}

function announce(
  { addresses, configuration }: SluiceGateway,
  demoToken: string | undefined,
  { stdout }: Output,
): void {
  const cameras = configuration.cameras.map(({ id }) => id).join(', ') || 'none';
  const inspector = addresses.inspector === undefined ? '' : `inspect  ${addresses.inspector}\n`;
  stdout.write(
    `gRPC     ${addresses.grpc}\npage     ${addresses.http}/${demoToken === undefined ? '' : `#token=${demoToken}`}\ncameras  ${cameras}\n${inspector}`,
  );
}

/** Resolves with the exit code when a signal has ended the gateway. */
function untilSignalled(gateway: SluiceGateway, { stderr }: Output): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) {
        stderr.write(`sluice serve: ${signal} again, ending now\n`);
        process.exit(1);
      }
      asked = true;
      stderr.write(`sluice serve: ${signal}, draining; again to end now\n`);
      void gateway.stop().then(() => {
        process.off('SIGINT', onSignal);
        process.off('SIGTERM', onSignal);
        resolve(0);
      });
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function configurationOf(options: ServeOptions): ConfigurationInput {
  const file = options.config === undefined ? {} : readConfiguration(options.config);
  const cameras: NonNullable<ConfigurationInput['cameras']> = [
    ...(file.cameras ?? []),
    ...options.camera.map(cameraOf),
  ];
  if (options.demo) cameras.push({ id: 'demo', source: 'clip:' });
  const http = { ...file.http, ...(options.http === undefined ? {} : addressOf('--http', options.http)) };
  const grpc = { ...file.grpc, ...(options.grpc === undefined ? {} : addressOf('--grpc', options.grpc)) };
  if (options.demo && http.token === undefined) http.token = nanoid(24);
  const { record: dir } = options;
  if (dir === undefined) return { ...file, grpc, http, cameras };
  const recorded = cameras.map((camera) => ({ ...camera, record: { dir, ...camera.record } }));
  return { ...file, grpc, http, cameras: recorded };
}

/** What is in a file of YAML or JSON, not yet checked. Throws one line that names the file. */
export function readConfiguration(path: string): ConfigurationInput {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--config: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (text.length > CONFIG_BYTES_MAX)
    throw new UsageError(`--config: ${path} is larger than ${CONFIG_BYTES_MAX} bytes`);
  let parsed: unknown;
  try {
    // Warnings of the parser would go to stderr and quote the line.
    parsed = extname(path) === '.json' ? JSON.parse(text) : parse(text, { logLevel: 'error' });
  } catch (error) {
    throw new UsageError(`--config: ${path}: ${syntaxFault(error, text)}`);
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new UsageError(
      `--config: ${path}: expected an object of keys, got ${Array.isArray(parsed) ? 'a list' : typeof parsed}`,
    );
  }
  // Its shape is checked with everything else, where a wrong key is named by its path.
  return parsed as ConfigurationInput;
}

/** Where the file breaks off being YAML or JSON. Not the parser's own words: they quote the file, which may hold tokens. */
function syntaxFault(error: unknown, text: string): string {
  if (error instanceof YAMLParseError) {
    const [at] = error.linePos ?? [];
    const what = error.code.toLowerCase().replaceAll('_', ' ');
    return at ? `not valid YAML: line ${at.line}, column ${at.col}: ${what}` : `not valid YAML: ${what}`;
  }
  if (!(error instanceof SyntaxError)) return 'not valid YAML: an alias without its anchor, or too many of them';
  const position = /at position (\d+)/.exec(error.message)?.[1];
  if (position === undefined) return 'not valid JSON';
  const before = text.slice(0, Number(position)).split('\n');
  return `not valid JSON: line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function cameraOf(text: string): { readonly id: string; readonly source: string } {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    const shown = text.replace(/:\/\/.*@/, '://***@');
    throw new UsageError(`--camera: expected ID=URL, got "${shown}"`);
  }
  return { id: text.slice(0, at), source: text.slice(at + 1) };
}

function addressOf(flag: string, text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  const host = text.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(at + 1));
  if (at < 1 || text.slice(at + 1) === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`${flag}: expected HOST:PORT, got "${text}"`);
  }
  return { host, port };
}

/** What to say of a failed start: the innermost reason, a line for each fault. */
function startUpLines(error: unknown): readonly string[] {
  const known = innermost(error);
  if (known instanceof ConfigurationError) return known.message.split('\n');
  return [known instanceof Error ? known.message : String(known)];
}

/** A listener that cannot bind fails its supervisor, which fails the one above: the reason is at the bottom of that. */
function innermost(error: unknown): unknown {
  let at = error;
  for (;;) {
    const { reason, shutdown } = at as { reason?: unknown; shutdown?: { readonly reason?: unknown } };
    const inner = shutdown?.reason ?? reason;
    if (inner === undefined || inner === null) return at;
    at = inner;
  }
}
