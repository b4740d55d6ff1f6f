/** A user with three apps who switches between two gateways, each a process of its own, on a real NATS server. */
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { TokenReceiver } from '../../src/cluster/receiver.js';
import { compareTokens } from '../../src/cluster/token.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { Visit } from '../cluster/two-gateways.js';
import { SECRET, ThirdParty } from '../gateway/third-party.js';
import { root } from '../house/source-files.js';
import { TestProcess } from './processes.js';

const missing = natsMissing();
const SWITCHES = 50;
const APPS = ['captions', 'translate', 'notes'];

class AppGateway {
  readonly process: TestProcess;
  addresses: { grpc: string | undefined } = { grpc: undefined };

  constructor(node: string, nats: string, parties: readonly ThirdParty[]) {
    const fault = inject('buildFault');
    if (fault) throw new Error(fault);
    const packages = APPS.map((name, at) => `${name}=${parties[at]?.target().url}`);
    const script = join(root, 'test/e2e/app-gateway.mjs');
    this.process = new TestProcess(process.execPath, [script, node, nats, 'apps', SECRET, ...packages]);
  }

  async started(): Promise<this> {
    this.addresses = { grpc: (await this.process.printed(/^gRPC +(\S+)$/m))[1] };
    return this;
  }

  /** Ends in order, with nothing left. */
  async stop(): Promise<void> {
    this.process.signal('SIGTERM');
    expect(await this.process.end(), this.process.stderr).toEqual({ code: 0, signal: null });
    expect(this.process.stdout).toMatch(/^left behind: \{\}$/m);
    expect(this.process.stdout).not.toMatch(/^refused/m);
  }
}

describe.skipIf(missing)(`a user with three apps${missing === undefined ? '' : `: ${missing}`}`, () => {
  it(`S4-11 S4-12 S4-22 D-16 who switches ${SWITCHES} times between two processes has each app started once for each, and hears nothing of the old one`, async () => {
    const server = await NatsServer.start();
    onTestFinished(() => server.remove());
    const parties = APPS.map(() => new ThirdParty());
    await Promise.all(parties.map((party) => party.listen()));
    onTestFinished(() => Promise.all(parties.map((party) => party.close())).then(() => {}));
    const [north, south] = await Promise.all([
      new AppGateway('north', server.url, parties).started(),
      new AppGateway('south', server.url, parties).started(),
    ]);

    let before: Visit | undefined;
    for (let n = 1; n <= SWITCHES; n += 1) {
      const now = new Visit(n % 2 === 1 ? north : south, 'ada', n);
      onTestFinished(() => now.close());
      await now.welcomed;
      if (before) {
        await before.ended;
        expect(before.bye).toEqual({ reason: 'superseded', reconnect: false });
        expect(before.messages.at(-1), 'nothing comes after its bye').toBe('bye');
      }
      await Promise.all(parties.map((party) => party.called(n)));
      const sessions = parties.map(({ calls }) => calls[n - 1]?.token);
      expect(sessions, 'it is the new one that tells them').toEqual(APPS.map(() => now.token));
      before = now;
    }
    // Who leaves in order has its apps stopped, once each, by the gateway that owned it last.
    before?.leave();
    await Promise.all(parties.map((party) => party.called(SWITCHES + 1)));
    await Promise.all([north.stop(), south.stop()]);

    for (const { calls, forged } of parties) {
      expect(forged).toEqual([]);
      const starts = Array.from({ length: SWITCHES }, () => 'app.start');
      expect(calls.map(({ type }) => type)).toEqual([...starts, 'app.stop']);
      const receiver = new TokenReceiver();
      for (const { nodeId, token } of calls) expect(receiver.admits(nodeId, token)).toBe(true);
      for (const [at, { token }] of calls.slice(1, SWITCHES).entries()) {
        expect(compareTokens(token, calls[at]?.token ?? token), 'each start under a higher token').toBeGreaterThan(0);
      }
    }
  });
});
