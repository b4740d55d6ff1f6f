/** Topics and calls among processes: providers that are killed, stopped and silent, on the real clock. */
import { join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGatewayClient } from '../../src/grpc/client.js';
import { root } from '../house/source-files.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';
import { TestProcess } from './processes.js';

async function member(gateway: GatewayProcess, nodeId: string): Promise<TestProcess> {
  const script = join(root, 'test/e2e/member.mjs');
  const one = new TestProcess(process.execPath, [script, gateway.grpc, nodeId]);
  await one.printed(/"ready"/);
  return one;
}

function callerOf(gateway: GatewayProcess) {
  const client = createGatewayClient(gateway.grpc);
  onTestFinished(() => client.close());
  const call = async (procedure: string, timeoutMs = 0): Promise<string> => {
    try {
      return Buffer.from(await client.call({ procedure, timeoutMs })).toString();
    } catch (error) {
      const { code, details } = error as { code: Code; details: string };
      return `${Code[code]} ${details.split(':')[0]}`;
    }
  };
  return { client, call };
}

describe('providers in other processes', () => {
  it('S3-23 L11 D-8 one is killed with a call in its hands: the call goes on to the other one at once', async () => {
    const gateway = await serve('--config', configurationFile(JSON.stringify({ session: { graceMs: 500 } })));
    const [ann, bob] = [await member(gateway, 'ann'), await member(gateway, 'bob')];
    const { call } = callerOf(gateway);
    expect([await call('whoami'), await call('whoami'), await call('whoami')]).toEqual(['ann', 'bob', 'ann']);

    const hanging = call('hang', 60_000);
    await ann.printed(/"call".*"hang"/);
    ann.signal('SIGKILL');
    await bob.printed(/"call".*"hang"/);
    bob.signal('SIGKILL');
    expect(await hanging).toBe('UNAVAILABLE provider_down');
    await eventually(
      'the gateway has forgotten both',
      () => gateway.resources(),
      ({ sessions, services, topics, calls }) => sessions + services + topics + calls === 0,
    );
    expect(await call('whoami')).toBe('NOT_FOUND not_found');
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('S3-23 M-R12 one is stopped in its tracks: its calls time out, then it is silent for too long, and is gone', async () => {
    const settings = { session: { graceMs: 200, inactivityMs: 3_000, heartbeatMs: 200 }, calls: { timeoutMs: 100 } };
    const gateway = await serve('--config', configurationFile(JSON.stringify(settings)));
    const ann = await member(gateway, 'ann');
    const { call } = callerOf(gateway);
    ann.signal('SIGSTOP');
    expect(await call('whoami')).toBe('DEADLINE_EXCEEDED timeout');
    const hanging = call('whoami', 60_000);
    expect(await hanging).toBe('UNAVAILABLE provider_down');
    await eventually(
      'the gateway has forgotten it',
      () => gateway.resources(),
      ({ sessions, services }) => sessions + services === 0,
    );
    ann.signal('SIGCONT');
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('M-P13 M-P20 publications reach every subscriber that lives', async () => {
    const gateway = await serve();
    const people = await Promise.all(['ann', 'bob', 'cy'].map((name) => member(gateway, name)));
    people[1]?.signal('SIGKILL');
    await people[1]?.ended;
    const { client } = callerOf(gateway);
    const control = client.connect({ message: () => {}, ended: () => {} });
    control.send({ case: 'hello', value: { nodeId: 'writer' } });
    control.send({ case: 'publish', value: { topic: 'news.today', payload: Buffer.from('sun') } });
    await Promise.all([people[0]?.printed(/"news\.today"/), people[2]?.printed(/"news\.today"/)]);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });
});
