import { once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HealthService } from '../../src/grpc/health-watch.js';
import { healthWatch, rawClient } from './raw-calls.js';

async function served() {
  const service = new HealthService();
  const server = new Server();
  service.addTo(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  const client = rawClient(`127.0.0.1:${port}`);
  const watch = (name: string) => {
    const call = client.makeServerStreamRequest(
      healthWatch.path,
      healthWatch.requestSerialize,
      healthWatch.responseDeserialize as (bytes: Buffer) => { status: string },
      { service: name },
    );
    call.on('error', () => {});
    return call;
  };
  return { service, watch };
}

describe('the health of names that nobody serves', () => {
  it('is watched as unknown, and forgotten with the last who watches', async () => {
    const { service, watch } = await served();
    service.set('here', 'SERVING');
    const calls = Array.from({ length: 300 }, (_, at) => watch(`nobody-${at % 200}`));
    const first = await Promise.all(calls.map(async (call) => (await once(call, 'data'))[0].status as string));
    expect(new Set(first)).toEqual(new Set(['SERVICE_UNKNOWN']));
    expect(service.size).toBe(201);
    for (const call of calls) call.cancel();
    await expect.poll(() => service.size).toBe(1);
  });

  it('is told when somebody comes to serve them, and goes', async () => {
    const { service, watch } = await served();
    const call = watch('camera/front');
    const next = async (): Promise<string> => (await once(call, 'data'))[0].status;
    expect(await next()).toBe('SERVICE_UNKNOWN');
    for (const verdict of ['SERVING', 'NOT_SERVING'] as const) {
      service.set('camera/front', verdict);
      expect(await next()).toBe(verdict);
    }
    service.remove('camera/front');
    expect(await next()).toBe('SERVICE_UNKNOWN');
    call.cancel();
    await expect.poll(() => service.size).toBe(0);
  });
});
