/**
 * What is wrong is said in one clear line to whoever did it, and nobody else notices: a viewer watches all the while and
 * misses nothing. A token stands in every configuration here and in no output.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGatewayClient, type GatewayClient, type StreamListener } from '../../src/grpc/client.js';
import { configurationFile, temporaryFolder } from './configuration-file.js';
import { within } from './eventually.js';
import { type GatewayProcess, serve, sluice } from './gateway-process.js';
import type { TestProcess } from './processes.js';
import { type SeenEnd, ViewerProcess } from './viewer-process.js';

const TOKEN = 'planted-token-4711';
const CONFIGURATION = `
http: { token: ${TOKEN} }
log: { level: trace }
cameras: [{ id: yard, source: 'clip:' }]
`;

describe('a gateway that somebody watches', () => {
  it('answers NOT_FOUND with the name of a camera that it does not have', () =>
    whileWatched(async (gateway) => {
      const end = await ended(gateway, (client, listener) => client.watch({ cameraId: 'attic' }, listener));
      expect(end).toMatchObject({ code: Code.NOT_FOUND, details: expect.stringContaining('"attic"') });
      expect((await gateway.clients()).length, 'the one that asked is nobody').toBe(1);

      const watch = sluice('watch', 'attic', '--address', gateway.grpc);
      expect((await watch.end()).code).toBe(1);
      expect(oneLine(watch)).toMatch(/^sluice watch: .*NOT_FOUND.*"attic"/);
    }));

  it('answers INVALID_ARGUMENT to a hello without a node id, and names the field', () =>
    whileWatched(async (gateway) => {
      const end = await ended(gateway, (client, listener) => {
        client.connect(listener).send({ case: 'hello', value: {} });
      });
      expect(end).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringContaining('hello.node_id') });
    }));

  it('answers RESOURCE_EXHAUSTED to a message that is too large', () =>
    whileWatched(async (gateway) => {
      const end = await ended(gateway, (client, listener) => {
        const endpoint = 'x'.repeat(5 * 1024 * 1024);
        client.connect(listener).send({ case: 'hello', value: { nodeId: 'large', endpoint } });
      });
      expect(end).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
      expect((await gateway.clients()).map(({ nodeId }) => nodeId)).not.toContain('large');
    }));

  it.each([
    ['random bytes', randomBytes(64 * 1024)],
    ['a request line that does not end', Buffer.alloc(64 * 1024, 'G')],
    [
      'HTTP/2 that turns to garbage',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(1024)]),
    ],
    ['the greeting of TLS', Buffer.from('16030100a5010000a10303', 'hex')],
  ])('lets %s go by on both ports', (_name, garbage) =>
    whileWatched(async (gateway) => {
      for (const address of [gateway.grpc, new URL(gateway.http).host]) await throwAt(address, garbage);
      const { handles } = await gateway.resources();
      for (const address of [gateway.grpc, new URL(gateway.http).host]) {
        await Promise.all(Array.from({ length: 20 }, () => throwAt(address, garbage)));
      }
      expect((await gateway.resources()).handles, 'no connection is left').toBeLessThan(handles + 10);
    }),
  );

  it('refuses over HTTP what it does not know or does not allow', () =>
    whileWatched(async (gateway) => {
      const kill = '/api/actors/sluice%2Fcameras%2Fcamera%3Ayard/kill';
      const refused: [string, RequestInit, number][] = [
        ['/no/such/path', {}, 404],
        ['/api/actors/nobody', {}, 404],
        ['/cameras/attic/snapshot.jpg', {}, 404],
        ['/api/events?since=yesterday', {}, 400],
        [kill, { method: 'GET' }, 405],
        [kill, { method: 'POST' }, 401],
        [kill, { method: 'POST', headers: { Authorization: 'Bearer wrong-token' } }, 401],
        ['/api/actors/nobody/kill', { method: 'POST' }, 401],
        ['/api/actors/nobody/kill', { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } }, 404],
        ['/api/tree', { headers: { Origin: 'http://elsewhere.example' } }, 403],
      ];
      for (const [path, init, status] of refused) {
        const response = await fetch(gateway.http + path, init);
        expect([path, response.status]).toEqual([path, status]);
        expect(await response.text(), path).toMatch(/^\{"error":\{"code":"\w+","message":".+"\}\}$/);
      }
    }));

  it('is not disturbed by another one that wants its ports', () =>
    whileWatched(async (gateway) => {
      const { host } = new URL(gateway.http);
      const other = ['serve', '--config', configurationFile(CONFIGURATION)];
      const grpc = sluice(...other, '--http', '127.0.0.1:0', '--grpc', gateway.grpc);
      const http = sluice(...other, '--grpc', '127.0.0.1:0', '--http', host);
      for (const [one, address] of [
        [grpc, gateway.grpc],
        [http, host],
      ] as const) {
        expect((await one.end()).code).toBe(2);
        expect(oneLine(one)).toMatch(new RegExp(`^sluice serve: .*${address}.* in use`));
        expect(one.stdout).not.toMatch(/^(?:gRPC|page) /m);
        // The log says it for each supervisor on the way up, down to the first reason.
        const failures = one.stdout.split('\n').filter((text) => text.includes('process.startFailed'));
        expect(failures.length).toBeGreaterThan(0);
        for (const failure of failures) expect(failure).toContain(address);
        saysNoSecret(one);
      }
    }));
});

describe('a start that cannot be', () => {
  it.each<[string, string, RegExp]>([
    ['an unknown key', `http: { token: ${TOKEN}, prot: 1 }`, /http\.prot: unknown key/],
    ['a wrong type', `http: { token: ${TOKEN}, port: ten }`, /http\.port: expected number, got a string/],
    ['a value out of range', `http: { token: ${TOKEN}, port: 70000 }`, /http\.port: .*65535.*, got 70000/],
    ['a list where there are keys', `- ${TOKEN}`, /expected an object of keys, got a list/],
    ['a token of the wrong type', `http: { token: [${TOKEN}] }`, /http\.token: expected string, got a list/],
    ['YAML that breaks off', `http: { token: "${TOKEN}`, /not valid YAML: line 1, column \d+: \w+/],
    [
      'YAML with text after a value',
      `http:\n  token: "${TOKEN}" ${TOKEN}\n`,
      /not valid YAML: line 2, column \d+: \w+/,
    ],
    ['YAML with a key that is there twice', `http:\n  token: ${TOKEN}\n  token: ${TOKEN}\n`, /line 3.*duplicate key/],
    ['YAML with an alias of nothing', `http: { token: *${TOKEN} }`, /not valid YAML: an alias/],
    ['YAML with a tag and a fault', `http: { token: !x ${TOKEN}, prot: 1 }`, /http\.prot: unknown key/],
    ['a source that nobody serves', `cameras: [{ id: yard, source: 'ftp://u:${TOKEN}@host/' }]`, /"yard".*got ftp:/],
    [
      'two cameras of one name',
      "cameras: [{ id: a, source: 'clip:' }, { id: a, source: 'clip:' }]",
      /cameras\[1\]\.id/,
    ],
    ['a door open to everybody', 'http: { host: 0.0.0.0 }', /http\.host: 0\.0\.0\.0 .*http\.token/],
  ])('is refused in one line: %s', async (_name, text, line) => {
    await refused(line, '--config', configurationFile(text));
  });

  it('is refused in one line: JSON that is none', async () => {
    await refused(/sluice\.json: not valid JSON/, '--config', configurationFile(`{"token":${TOKEN}}`, 'sluice.json'));
    const broken = configurationFile(`{\n  "http": { "token": "${TOKEN}" oops }\n}`, 'sluice.json');
    await refused(/sluice\.json: not valid JSON: line 2, column \d+$/, '--config', broken);
  });

  it('is refused in one line: a file that is not there, or is a folder', async () => {
    await refused(/--config: cannot read .*nowhere\.yaml: ENOENT/, '--config', `${temporaryFolder()}/nowhere.yaml`);
    await refused(/--config: cannot read .*: EISDIR/, '--config', temporaryFolder());
  });

  it.each([
    ['--camera without a source', ['--camera', 'yard'], /--camera: expected ID=URL, got "yard"/],
    ['--camera without an id', ['--camera', `http://u:${TOKEN}@host/`], /--camera: expected ID=URL/],
    [
      '--camera with a source that nobody serves',
      ['--camera', `yard=gopher://u:${TOKEN}@host/`],
      /"yard".*got gopher:/,
    ],
    ['--camera with a source that is no URL', ['--camera', `yard=http://u:${TOKEN}@ho st/`], /"yard".*valid URL/],
    ['--grpc without a port', ['--grpc', 'localhost'], /--grpc: expected HOST:PORT, got "localhost"/],
    ['--http with a port that is none', ['--http', '127.0.0.1:99999'], /--http: expected HOST:PORT/],
    ['an unknown flag', ['--deno'], /unknown option '--deno'/],
    ['a flag without its value', ['--config'], /--config.*argument missing/],
  ])('is refused in one line: %s', async (_name, args, line) => {
    await refused(line, ...args);
  });

  it('is refused in one line: an unknown command', async () => {
    const command = sluice('sevre');
    expect((await command.end()).code).toBe(2);
    expect(oneLine(command)).toMatch(/^sluice: unknown command 'sevre'/);
  });
});

/** A gateway with a viewer, who sees picture after picture before, during and after; neither says a word too much. */
async function whileWatched(run: (gateway: GatewayProcess) => Promise<void>): Promise<void> {
  const gateway = await serve('--config', configurationFile(CONFIGURATION));
  const viewer = new ViewerProcess(gateway, 'yard', 'desk');
  await viewer.sees(3);
  await run(gateway);
  const frames = await viewer.sees(viewer.frames.length + 10);
  const first = frames[0]?.seq as number;
  expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, at) => first + at));
  expect((await gateway.events()).filter(({ type }) => /restarted|gaveUp|failed/i.test(type))).toEqual([]);
  expect(await gateway.resources()).toMatchObject({ clients: 1, orphans: 0 });
  expect(await viewer.leave()).toBe(0);

  expect(gateway.process.stderr).toBe('');
  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  saysNoSecret(gateway.process);
}

async function refused(line: RegExp, ...args: readonly string[]): Promise<void> {
  const command = sluice('serve', ...args);
  expect((await command.end()).code).toBe(2);
  expect(oneLine(command)).toMatch(line);
  expect(command.stdout).not.toMatch(/^(?:gRPC|page) /m);
  expect(command.groupAlive).toBe(false);
  saysNoSecret(command);
}

/** What a process said on stderr, which is one line. */
function oneLine({ stderr }: TestProcess): string {
  expect(stderr).toMatch(/^sluice[^\n]*\n$/);
  return stderr.trimEnd();
}

function saysNoSecret({ stdout, stderr }: TestProcess): void {
  expect(stdout + stderr).not.toContain(TOKEN);
  expect(stdout + stderr).not.toMatch(/^\s+at .*:\d+/m);
}

/** How a call of a client of its own ends. */
function ended(
  gateway: GatewayProcess,
  call: (client: GatewayClient, listener: StreamListener<unknown>) => void,
): Promise<SeenEnd> {
  const client = createGatewayClient(gateway.grpc);
  onTestFinished(() => client.close());
  return within(
    'the end of a call',
    new Promise((resolve) =>
      call(client, { message: () => {}, ended: ({ code, details }) => resolve({ code, details }) }),
    ),
  );
}

/** Sends bytes, says that there are no more, and waits until the other side has had enough. */
async function throwAt(address: string, bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connect(Number(port), hostname);
  // Reset or end, both are an answer.
  socket.on('error', () => {});
  socket.resume();
  const closed = once(socket, 'close').catch(() => {});
  socket.end(bytes);
  await within(`${address} closes a connection that carries garbage`, closed);
}
