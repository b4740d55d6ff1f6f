import { once } from 'node:events';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { serve } from './harness.js';
import { healthCheck, healthWatch, rawClient, reflectionOf, unary } from './raw-calls.js';
import { RecordedGateway } from './recorded-gateway.js';

describe('health', () => {
  const check = async (address: string, service: string): Promise<string> => {
    const method = healthCheck;
    const response = await unary(rawClient(address), method.path, method.requestSerialize({ service }));
    return (method.responseDeserialize(response) as { status: string }).status;
  };

  it('is told of the whole, of each service, and of each camera as it comes, fails and goes', async () => {
    const gateway = new RecordedGateway();
    const { server } = await serve(gateway.asGateway());
    for (const service of ['', 'sluice.v1.Gateway', 'sluice.v1.Camera', 'sluice.v1.AudioBridge', 'camera/front']) {
      expect(await check(server.address, service)).toBe('SERVING');
    }
    await expect(check(server.address, 'camera/back')).rejects.toMatchObject({ code: Code.NOT_FOUND });

    const story: readonly (readonly [state: string, status: string])[] = [
      ['opening', 'SERVING'],
      ['live', 'SERVING'],
      ['stale', 'NOT_SERVING'],
      ['recovering', 'NOT_SERVING'],
      ['opening', 'NOT_SERVING'],
      ['live', 'SERVING'],
      ['failed', 'NOT_SERVING'],
    ];
    for (const [state, status] of story) {
      gateway.setCamera('front', state);
      await vi.waitFor(async () => expect(await check(server.address, 'camera/front'), state).toBe(status));
    }
    gateway.cameraList = [];
    gateway.setCamera('back', 'opening');
    await vi.waitFor(async () => expect(await check(server.address, 'camera/back')).toBe('NOT_SERVING'));
    await expect(check(server.address, 'camera/front')).rejects.toMatchObject({ code: Code.NOT_FOUND });
  });

  it('is NOT_SERVING for everything as soon as the gateway drains', async () => {
    const gateway = new RecordedGateway();
    const { server } = await serve(gateway.asGateway());
    const client = rawClient(server.address);
    const method = healthWatch;
    const watch = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Buffer) => { status: string },
      { service: 'camera/front' },
    );
    watch.on('error', () => {});
    expect((await once(watch, 'data'))[0].status).toBe('SERVING');
    const next = once(watch, 'data');
    server.drain();
    expect((await next)[0].status).toBe('NOT_SERVING');
  });
});

describe('reflection', () => {
  it('lists every service, itself included, and describes them to the last import', async () => {
    const { server } = await serve(new RecordedGateway().asGateway());
    const ask = await reflectionOf(server.address);
    const list = await ask({ listServices: '*' });
    expect(list.listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'sluice.v1.AudioBridge',
      'sluice.v1.Camera',
      'sluice.v1.Gateway',
    ]);
    const camera = await ask({ fileContainingSymbol: 'sluice.v1.Camera.ProduceCameraStream' });
    const files = camera.fileDescriptorResponse?.fileDescriptorProto.map((bytes) =>
      Buffer.from(bytes).toString('latin1'),
    );
    expect(files).toHaveLength(3);
    for (const name of ['sluice/v1/camera.proto', 'sluice/v1/frame.proto', 'google/protobuf/empty.proto']) {
      expect(
        files?.some((file) => file.includes(name)),
        name,
      ).toBe(true);
    }
  });
});
