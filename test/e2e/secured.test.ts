/** `sluice serve` with TLS and tokens from a file, `sluice watch` with what it needs, and a crowd that is drained by SIGTERM. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { certificatePath } from '../grpc/certificates.js';
import { clientOf, controlInbox, type Inbox } from '../grpc/harness.js';
import { configurationFile } from './configuration-file.js';
import { serve, sluice } from './gateway-process.js';

const TOKEN = 'planted-e2e-token';

function configuration(grpc: string): string {
  return configurationFile(`grpc:\n${grpc}\nlog:\n  level: trace\ncameras:\n  - id: demo\n    source: 'clip:'\n`);
}

const SECURED = `  tls:
    cert: ${certificatePath('server.pem')}
    key: ${certificatePath('server.key')}
  auth:
    tokens:
      - token: ${TOKEN}
        may: ['watch:demo', connect]`;

describe('sluice serve with TLS and a token', () => {
  it('serves who has them, refuses who has not, and says neither', async () => {
    const gateway = await serve('--config', configuration(SECURED));
    // By its name: Node warns on stderr of a TLS server that is asked for by its number.
    const address = gateway.grpc.replace('127.0.0.1', 'localhost');
    const watch = ['watch', 'demo', '--address', address, '--count', '2', '--ca', certificatePath('ca.pem')];
    const run = async (...args: readonly string[]): Promise<readonly [number | null, string]> => {
      const process = sluice(...args);
      const { code } = await process.end();
      return [code, process.stderr];
    };
    expect(await run(...watch, '--token', TOKEN)).toEqual([0, '']);
    const [refused, why] = await run(...watch);
    expect(refused).toBe(1);
    expect(why).toMatch(/UNAUTHENTICATED: unauthenticated: a bearer token is needed/);
    expect((await run('watch', 'demo', '--address', gateway.grpc, '--token', TOKEN))[0]).toBe(1);
    gateway.process.signal('SIGTERM');
    expect((await gateway.process.end()).code).toBe(0);
    expect(gateway.process.stdout).toContain('gRPC calls were refused');
    expect(gateway.process.stdout + gateway.process.stderr).not.toContain('planted');
  });

  it('does not start with a file that is not there, on one line, with 2', async () => {
    const file = configuration('  tls:\n    cert: /nowhere.pem\n    key: /nowhere.key');
    const process = sluice('serve', '--config', file);
    expect((await process.end()).code).toBe(2);
    expect(process.stderr).toBe('sluice serve: grpc.tls.cert: cannot read /nowhere.pem: ENOENT\n');
  });
});

describe('a crowd of a gateway in a process of its own', () => {
  it('D-15 is told to go by SIGTERM, all of it, and the process ends with 0', async () => {
    const gateway = await serve('--config', configuration('  keepalive:\n    timeMs: 10000'));
    const inboxes: Inbox<ServerMessage>[] = [];
    for (let at = 0; at < 1_000; at++) {
      const inbox = controlInbox();
      clientsOf(gateway.grpc, at)
        .connect(inbox.listener)
        .send({ case: 'hello', value: { nodeId: `node-${at}` } });
      inboxes.push(inbox);
    }
    for (const inbox of inboxes) expect((await inbox.next()).message.case).toBe('welcome');
    gateway.process.signal('SIGTERM');
    for (const inbox of inboxes) {
      let word = (await inbox.next()).message;
      while (word.case === 'heartbeat') word = (await inbox.next()).message;
      expect(word).toMatchObject({ case: 'bye', value: { reason: 'drain', reconnect: true } });
      expect((await inbox.ended).code).toBe(Code.UNAVAILABLE);
    }
    expect((await gateway.process.end()).code).toBe(0);
  });
});

const shared = new Map<number, ReturnType<typeof clientOf>>();

/** A hundred to a connection. */
function clientsOf(address: string, at: number): ReturnType<typeof clientOf> {
  const connection = Math.floor(at / 100);
  const client = shared.get(connection) ?? clientOf(address);
  shared.set(connection, client);
  return client;
}
