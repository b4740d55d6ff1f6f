/**
 * A NATS server that asks who one is, over TLS: its configuration, and what clients need. With accounts it is of the kind that hands
 * out files of credentials: an operator vouches for an account, and the account for a user.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { certificatePath } from '../grpc/certificates.js';
import { NatsServer } from './nats-server.js';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const UNLIMITED = { subs: -1, data: -1, payload: -1 };

/** A token of NATS's kind: what `by` says about somebody. */
function vouch(by: KeyPair, name: string, about: KeyPair, nats: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1_000),
    iss: by.getPublicKey(),
    name,
    sub: about.getPublicKey(),
    nats: { ...nats, version: 2 },
  };
  const said = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${said}.${Buffer.from(by.sign(Buffer.from(said))).toString('base64url')}`;
}

function seedOf(pair: KeyPair): string {
  return Buffer.from(pair.getSeed()).toString();
}

/** Files of one test, and servers that read them. */
export class SecuredServers {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-nats-accounts-'));
  readonly #servers: NatsServer[] = [];

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** `more` is said beside TLS. */
  async start(name: string, more: string, { clientCertificates = false, tls = true } = {}): Promise<NatsServer> {
    const files = `cert_file: "${certificatePath('server.pem')}", key_file: "${certificatePath('server.key')}"`;
    const clients = clientCertificates ? `, ca_file: "${certificatePath('ca.pem')}", verify: true` : '';
    const config = this.file(`${name}.conf`, `${tls ? `tls { ${files}${clients} }\n` : ''}${more}\n`);
    const server = await NatsServer.start({ args: ['-c', config] });
    this.#servers.push(server);
    return server;
  }

  /** Knows a user by an nkey. */
  nkey(): { readonly publicKey: string; readonly seed: string } {
    const user = nkeys.createUser();
    return { publicKey: user.getPublicKey(), seed: seedOf(user) };
  }

  /** Knows users by files of credentials. */
  account(): { readonly config: string; readonly creds: string; readonly seed: string } {
    const [operator, system, account, user] = [
      nkeys.createOperator(),
      nkeys.createAccount(),
      nkeys.createAccount(),
      nkeys.createUser(),
    ];
    const limits = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
    const stored = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const operatorJwt = vouch(operator, 'operator', operator, {
      type: 'operator',
      system_account: system.getPublicKey(),
    });
    const systemJwt = vouch(operator, 'system', system, { type: 'account', limits });
    const accountJwt = vouch(operator, 'sluice', account, { type: 'account', limits: { ...limits, ...stored } });
    const userJwt = vouch(account, 'gateway', user, { type: 'user', pub: {}, sub: {}, ...UNLIMITED });
    const seed = seedOf(user);
    return {
      config: [
        `operator: "${this.file('operator.jwt', operatorJwt)}"`,
        'resolver: MEMORY',
        `system_account: ${system.getPublicKey()}`,
        `resolver_preload: { ${system.getPublicKey()}: "${systemJwt}", ${account.getPublicKey()}: "${accountJwt}" }`,
      ].join('\n'),
      creds: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      seed,
    };
  }

  async remove(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.remove()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
