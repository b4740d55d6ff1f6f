/** Real NATS servers that ask who one is, over TLS: who is let in, and how the others are told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NatsEngineOptions, openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { openNatsMedia } from '../../src/cluster/nats/nats-media.js';
import { certificatePath } from '../grpc/certificates.js';
import { SecuredServers } from './nats-accounts.js';
import { type NatsServer, natsMissing } from './nats-server.js';

const missing = natsMissing();
const PASSWORD = 'pa55/w0rd @home';
const TOKEN = 't0ken-of-the-gateways';
const CA = { ca: certificatePath('ca.pem') };

describe.skipIf(missing)(`a NATS server with TLS${missing === undefined ? '' : `: ${missing}`}`, () => {
  let servers: SecuredServers;
  let users: NatsServer;
  let tokens: NatsServer;
  let accounts: NatsServer;
  let certificates: NatsServer;
  let plain: NatsServer;
  let nkey: string;
  let strangersNkey: string;
  let creds: string;
  let opened = 0;
  const secrets = [PASSWORD, encodeURIComponent(PASSWORD), TOKEN];

  beforeAll(async () => {
    servers = new SecuredServers();
    const [known, stranger, account] = [servers.nkey(), servers.nkey(), servers.account()];
    secrets.push(known.seed, stranger.seed, account.seed);
    nkey = servers.file('known.nk', `${known.seed}\n`);
    strangersNkey = servers.file('stranger.nk', stranger.seed);
    creds = servers.file('gateway.creds', account.creds);
    const knownUsers = `{ user: sluice, password: "${PASSWORD}" }, { nkey: ${known.publicKey} }`;
    [users, tokens, accounts, certificates, plain] = await Promise.all([
      servers.start('users', `authorization { users: [${knownUsers}] }`),
      servers.start('tokens', `authorization { token: "${TOKEN}" }`),
      servers.start('accounts', account.config),
      servers.start('certificates', '', { clientCertificates: true }),
      servers.start('plain', '', { tls: false }),
    ]);
  });
  afterAll(() => servers.remove());

  const optionsOf = (server: NatsServer, more: Partial<NatsEngineOptions>): NatsEngineOptions => ({
    servers: [server.url],
    prefix: `secured-${opened}`,
    replicas: 1,
    storage: 'memory',
    eraBump: 0,
    node: 'a',
    ttlMs: 3_000,
    answerMs: 1_500,
    ...more,
  });
  const withUser = (server: NatsServer, scheme: string): readonly string[] => [
    `${scheme}://sluice:${encodeURIComponent(PASSWORD)}@${server.address}:${server.port}`,
  ];

  it.each<[string, () => NatsEngineOptions]>([
    ['a user and a password', () => optionsOf(users, { user: 'sluice', pass: PASSWORD, tls: CA })],
    ['a user and a password in the URL', () => optionsOf(users, { servers: withUser(users, 'tls'), tls: CA })],
    ['an nkey', () => optionsOf(users, { nkey, tls: CA })],
    ['a token', () => optionsOf(tokens, { token: TOKEN, tls: CA })],
    ['a file of credentials', () => optionsOf(accounts, { creds, tls: CA })],
    [
      'a certificate',
      () =>
        optionsOf(certificates, {
          tls: { ...CA, cert: certificatePath('edge.pem'), key: certificatePath('edge.key') },
        }),
    ],
  ])('lets in who has %s, for records and for frames', async (_name, options) => {
    opened += 1;
    const engine = await openNatsEngine(options());
    const media = await openNatsMedia(options());
    const written = await new Promise<{ type: string }>((resolve) => engine.cas('services', 'a', 'x', 0, resolve));
    expect(written.type).toBe('written');
    const heard = new Promise<string>((resolve) =>
      media.subscribe('frames', (body) => resolve(Buffer.from(body).toString())),
    );
    const telling = setInterval(() => engine.publish('frames', Buffer.from('a frame')), 20);
    expect(await heard).toBe('a frame');
    clearInterval(telling);
    await media.close();
    await engine.close();
  });

  it.each<[string, () => NatsEngineOptions, RegExp]>([
    ['a wrong password', () => optionsOf(users, { user: 'sluice', pass: TOKEN, tls: CA }), /Authorization Violation/i],
    ['nothing', () => optionsOf(users, { tls: CA }), /Authorization Violation/i],
    ['an nkey that is not known', () => optionsOf(users, { nkey: strangersNkey, tls: CA }), /Authorization Violation/i],
    ['a wrong token', () => optionsOf(tokens, { token: PASSWORD, tls: CA }), /Authorization Violation/i],
    [
      'another authority',
      () => optionsOf(tokens, { token: TOKEN, tls: { ca: certificatePath('other-ca.pem') } }),
      /certificate/,
    ],
    ['no authority', () => optionsOf(tokens, { token: TOKEN }), /certificate/],
    ['TLS, where the server has none', () => optionsOf(plain, { servers: withUser(plain, 'tls') }), /tls/i],
    [
      'a file that is not there',
      () => optionsOf(accounts, { creds: '/nowhere/gateway.creds', tls: CA }),
      /^cluster\.creds: cannot read \/nowhere\/gateway\.creds: ENOENT$/,
    ],
    [
      'an authority that is not there',
      () => optionsOf(tokens, { token: TOKEN, tls: { ca: '/nowhere/ca.pem' } }),
      /^cluster\.tls\.ca: cannot read \/nowhere\/ca\.pem: ENOENT$/,
    ],
  ])('refuses who has %s, in one line without a secret', async (_name, options, says) => {
    const error = await openNatsEngine(options()).then(
      () => expect.fail('it was let in'),
      (refusal: Error) => refusal,
    );
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain('\n');
    expect(error.message).toMatch(/^cluster\.(nats: cannot connect to (nats|tls):\/\/127\.0\.0\.1:\d+: |creds|tls)/);
    for (const secret of secrets) expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
  });
});
