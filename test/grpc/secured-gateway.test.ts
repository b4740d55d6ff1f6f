/** A whole gateway with TLS and tokens: how it is configured, who reaches it, and that it tells nobody its secrets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runWatch, type WatchCommand } from '../../src/cli/watch.js';
import { createGateway } from '../../src/create-gateway.js';
import { ca, certificatePath, edge, server as serverPair } from './certificates.js';
import { clientOf, controlInbox, frameInbox } from './harness.js';
import { runGateway } from './running-gateway.js';

const TOKEN = 'planted-grpc-token';
const tls = { cert: certificatePath('server.pem'), key: certificatePath('server.key') };

function faultOf(grpc: object): string {
  try {
    createGateway({ grpc, logger: pino({ level: 'silent' }) });
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

function scratch(name: string, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('a gateway that others could reach', () => {
  it('is refused without anything by which callers are known, and taken with it', () => {
    const host = '0.0.0.0';
    expect(faultOf({ host })).toBe(
      'grpc.host: expected a loopback address, got 0.0.0.0; others need grpc.auth.tokens or grpc.tls with requireClientCert',
    );
    expect(faultOf({ host, tls })).toMatch(/^grpc\.host: /);
    expect(faultOf({ host, auth: { tokens: [{ token: TOKEN, may: ['*'] }] } })).toBe('none');
    expect(faultOf({ host, tls: { ...tls, ca: certificatePath('ca.pem'), requireClientCert: true } })).toBe('none');
  });
});

describe('a gateway that others could reach without TLS', () => {
  it('says in its log that tokens can be read on the way', () => {
    const said: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
    const auth = { tokens: [{ token: TOKEN, may: ['*'] }] };
    createGateway({ grpc: { host: '0.0.0.0', auth }, logger });
    createGateway({ grpc: { host: '0.0.0.0', auth, tls }, logger });
    createGateway({ grpc: { auth }, logger });
    expect(said.map((line) => JSON.parse(line).msg)).toEqual([
      'grpc.tls is not set: tokens go over the network as they are',
    ]);
  });
});

describe('TLS that is configured wrong', () => {
  it.each([
    [
      'a file that is not there',
      { ...tls, cert: '/nowhere/cert.pem' },
      'grpc.tls.cert: cannot read /nowhere/cert.pem: ENOENT',
    ],
    [
      'the key of another',
      { ...tls, key: certificatePath('edge.key') },
      'grpc.tls.key: expected the key of the certificate, got another',
    ],
    [
      'a certificate as key',
      { ...tls, key: serverPair.cert },
      'grpc.tls.key: expected PEM with a PRIVATE KEY, got PEM of another kind without one',
    ],
    [
      'clients without their authority',
      { ...tls, requireClientCert: true },
      'grpc.tls.ca: expected who signs the certificates of clients, got nothing',
    ],
    ['half of it', { cert: tls.cert }, 'grpc.tls.key: expected string, got nothing'],
    ['an unknown key', { ...tls, passphrase: 'planted' }, 'grpc.tls.passphrase: unknown key'],
  ])('is one line that names the key: %s', (_, wrong, line) => expect(faultOf({ tls: wrong })).toBe(line));

  it('does not show what it was given where that is no path', () => {
    const broken = serverPair.key.replace(/-----BEGIN.*\n/, '');
    expect(faultOf({ tls: { ...tls, key: broken } })).toBe(
      'grpc.tls.key: expected the path of a file, or PEM; got a text that is neither',
    );
    const cut = scratch('cut.pem', serverPair.cert.slice(0, 200).concat('\n-----END CERTIFICATE-----\n'));
    expect(faultOf({ tls: { ...tls, cert: cut } })).toBe(
      'grpc.tls.cert: expected a certificate in PEM, got one that cannot be read',
    );
  });

  it('needs an authority for certificates that are named', () => {
    expect(faultOf({ tls, auth: { certificates: [{ name: 'edge-1', may: ['*'] }] } })).toMatch(/^grpc\.tls\.ca: /);
  });

  it('may be PEM as well as paths', () => expect(faultOf({ tls: serverPair })).toBe('none'));
});

const secured = {
  grpc: {
    port: 0,
    tls: { ...tls, ca: certificatePath('ca.pem') },
    auth: {
      tokens: [{ token: TOKEN, may: ['watch:demo', 'connect'] }],
      certificates: [{ name: 'edge-1', may: ['watch'] }],
    },
  },
};

describe('sluice watch of a gateway with TLS', () => {
  class Screen {
    text = '';
    write(text: string): void {
      this.text += text;
    }
  }
  const run = async (address: string, options: Partial<WatchCommand>): Promise<readonly [number, string]> => {
    const stderr = new Screen();
    const { signal } = new AbortController();
    const code = await runWatch({
      camera: 'demo',
      address,
      count: 2,
      signal,
      stdout: new Screen(),
      stderr,
      ...options,
    });
    return [code, stderr.text];
  };
  const trusting = { ca: certificatePath('ca.pem') };

  it('works with --ca and --token, or with a client certificate', async () => {
    const { address } = await runGateway(secured);
    expect(await run(address, { ...trusting, token: TOKEN })).toEqual([0, '']);
    const pair = { cert: certificatePath('edge.pem'), key: certificatePath('edge.key') };
    expect(await run(address, { ...trusting, ...pair })).toEqual([0, '']);
  });

  it('is one clear line and 1 with what is missing or wrong', async () => {
    const { address } = await runGateway(secured);
    expect(await run(address, trusting)).toEqual([
      1,
      `sluice watch: ${address}: UNAUTHENTICATED: unauthenticated: a bearer token is needed (metadata authorization: Bearer <token>)\n`,
    ]);
    expect(await run(address, { ...trusting, token: 'planted-wrong' })).toEqual([
      1,
      `sluice watch: ${address}: UNAUTHENTICATED: unauthenticated: the bearer token is not one of this gateway\n`,
    ]);
    expect(await run(address, { ...trusting, token: TOKEN, camera: 'other' })).toEqual([
      1,
      `sluice watch: ${address}: PERMISSION_DENIED: permission_denied: this token may not watch "other"\n`,
    ]);
    expect((await run(address, { tls: true, token: TOKEN }))[1]).toMatch(/^sluice watch: \S+: UNAVAILABLE: /);
    expect(await run(address, { ca: '/nowhere.pem' })).toEqual([
      1,
      'sluice watch: --ca: cannot read /nowhere.pem: ENOENT\n',
    ]);
    expect(await run(address, { cert: 'x' })).toEqual([1, 'sluice watch: --cert and --key: expected both, got one\n']);
  });
});

describe('a secret that a gateway knows callers by', () => {
  it('D-25 is in no log line, no event, no page, no actor and no status, whether it was right or wrong', async () => {
    const said: string[] = [];
    const httpToken = 'planted-http-token';
    const { gateway, address } = await runGateway({
      ...secured,
      http: { port: 0, token: httpToken },
      logger: pino({ level: 'trace' }, { write: (line: string) => void said.push(line) }),
    });
    gateway.on('*', (event) => said.push(JSON.stringify(event)));
    const trusting = { tls: { ca: ca } };
    const [frames, control] = [frameInbox(), controlInbox()];
    const caller = clientOf(address, { ...trusting, token: TOKEN });
    caller.connect(control.listener).send({ case: 'hello', value: { nodeId: 'edge-1' } });
    await control.next();
    caller.watch({ cameraId: 'demo' }, frames.listener, { nodeId: 'edge-1' });
    await frames.next();
    for (const token of ['planted-wrong-token', `${TOKEN}x`]) {
      const refused = frameInbox();
      clientOf(address, { ...trusting, token }).watch({ cameraId: 'demo' }, refused.listener);
      said.push(JSON.stringify(await refused.ended));
    }
    const stranger = frameInbox();
    clientOf(address, { tls: { ca: ca, ...edge } }).watch({ cameraId: 'nothing' }, stranger.listener);
    said.push(JSON.stringify(await stranger.ended));
    const base = gateway.addresses.http as string;
    const { actors } = (await (await fetch(`${base}/api/actors`)).json()) as { actors: { id: string }[] };
    const lists = ['tree', 'actors', 'clients', 'sessions', 'streams', 'cameras', 'events'].map(
      (list) => `/api/${list}`,
    );
    for (const path of ['/', ...lists, ...actors.map(({ id }) => `/api/actors/${encodeURIComponent(id)}`)]) {
      said.push(await (await fetch(base + path)).text());
    }
    said.push(JSON.stringify(gateway.tree()), JSON.stringify(gateway.resources()));
    await gateway.stop({ deadlineMs: 1_000 });
    const everywhere = said.join('\n');
    expect(everywhere).toContain('gRPC calls were refused');
    expect(everywhere).toContain('edge-1');
    expect(everywhere).not.toContain('planted');
    expect(everywhere).not.toContain('PRIVATE KEY');
  });
});
