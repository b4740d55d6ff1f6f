/** Gateways on a NATS server that asks who one is, over TLS: they find each other, and tell nobody how they got in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecuredServers } from '../cluster/nats-accounts.js';
import { type NatsServer, natsMissing } from '../cluster/nats-server.js';
import { Visit } from '../cluster/two-gateways.js';
import { certificatePath } from '../grpc/certificates.js';
import { ClusterGateway } from './cluster-gateways.js';
import { configurationFile } from './configuration-file.js';
import { serve, sluice } from './gateway-process.js';

const missing = natsMissing();
const PASSWORD = 'pa55w0rd-of-the-gateways';

describe.skipIf(missing)(`gateways on a NATS server with TLS${missing === undefined ? '' : `: ${missing}`}`, () => {
  const servers = new SecuredServers();
  const key = servers.nkey();
  const nkey = servers.file('gateway.nk', `${key.seed}\n`);
  let server: NatsServer;

  beforeAll(async () => {
    const users = `{ user: sluice, password: ${PASSWORD} }, { nkey: ${key.publicKey} }`;
    server = await servers.start('secured', `authorization { users: [${users}] }`);
  });
  afterAll(() => servers.remove());

  const configuration = (node: string, who: string): string =>
    configurationFile(
      `node: { id: ${node} }\nlog: { level: trace }\ncluster: { nats: "tls://127.0.0.1:${server.port}", ttlMs: 3000, marginMs: 500, tls: { ca: "${certificatePath('ca.pem')}" }, ${who} }\n`,
    );
  const start = async (node: string, who: string): Promise<ClusterGateway> => {
    const gateway = new ClusterGateway(node, await serve('--config', configuration(node, who)));
    await gateway.is('up');
    return gateway;
  };

  it('D-25 share their users, each let in by means of its own, come back after the server was away, and show no secret anywhere', async () => {
    const [north, south] = await Promise.all([
      start('north', `user: sluice, pass: ${PASSWORD}`),
      start('south', `nkey: "${nkey}"`),
    ]);
    await Promise.all([north.sees(2), south.sees(2)]);
    const first = new Visit(north, 'ada', 1);
    await first.welcomed;
    const second = new Visit(south, 'ada', 2);
    await second.welcomed;
    await first.ended;
    expect(first.bye).toMatchObject({ reason: 'superseded' });

    await server.kill();
    await server.run();
    await Promise.all([north.sees(2), south.sees(2)]);
    const third = new Visit(north, 'ada', 3);
    await third.welcomed;

    const told: string[] = [];
    for (const { process } of [north, south]) {
      for (const path of ['/api/cluster', '/api/events', '/api/tree', '/system-resources', '/health', '/metrics']) {
        told.push(await (await fetch(`${process.http}${path}`)).text());
      }
      const status = sluice('cluster', 'status', process.http);
      await status.end();
      told.push(status.stdout, status.stderr, process.process.stdout, process.process.stderr);
    }
    for (const visit of [first, second, third]) visit.close();
    for (const secret of [PASSWORD, key.seed]) expect(told.join('\n')).not.toContain(secret);
  });

  it('D-25 do not start with a wrong password, and say so in one line without it', async () => {
    const wrong = sluice('serve', '--config', configuration('west', 'user: sluice, pass: wr0ng-passw0rd'));
    expect(await wrong.end()).toEqual({ code: 2, signal: null });
    expect(wrong.stderr).toMatch(
      /^sluice serve: cluster\.nats: cannot connect to tls:\/\/127\.0\.0\.1:\d+: Authorization Violation\n$/i,
    );
    expect(wrong.stdout + wrong.stderr).not.toContain('wr0ng');
  });
});
