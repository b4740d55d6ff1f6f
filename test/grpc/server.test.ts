import { type EventEmitter, once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { Client, status as Code, credentials, type ServiceDefinition, type StatusObject } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startGrpcServer } from '../../src/grpc/server.js';
import { clientOf, controlInbox, frameInbox, serve } from './harness.js';
import { frame, RecordedGateway } from './recorded-gateway.js';

const GARBAGE = 'GET / HTTP/1.1\r\nHost: somebody\r\n\r\n';

async function rawSocket(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function rawClient(address: string): Client {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

describe('a gRPC server beside a viewer', () => {
  it('is not disturbed by bytes that are no HTTP/2', async () => {
    const gateway = new RecordedGateway();
    const { server, client } = await serve(gateway.asGateway());
    const inbox = frameInbox();
    client().watch({ cameraId: 'front' }, inbox.listener);
    await inbox.opened;
    for (const bytes of [
      GARBAGE,
      Buffer.alloc(100_000, 0xff),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff'),
    ]) {
      const socket = await rawSocket(server.port);
      const closed = once(socket, 'close');
      socket.resume().end(bytes);
      await closed;
    }
    gateway.frames?.write(frame(1), () => {});
    expect((await inbox.next()).seq).toBe(1);
    expect(gateway.told).toEqual(['watch', 'watching']);
  });

  it('refuses a message that is too large on that call alone', async () => {
    const gateway = new RecordedGateway();
    const { client } = await serve(gateway.asGateway(), { maxMessageBytes: 10_000 });
    const shared = client();
    const viewer = frameInbox();
    shared.watch({ cameraId: 'front' }, viewer.listener);
    await viewer.opened;
    const inbox = controlInbox();
    const control = shared.connect(inbox.listener);
    control.send({ case: 'hello', value: { nodeId: 'edge-1' } });
    await inbox.next();
    control.send({ case: 'publish', value: { topic: 't', payload: new Uint8Array(20_000) } });
    expect((await inbox.ended).code).toBe(Code.RESOURCE_EXHAUSTED);
    await gateway.hears('cancelled');
    gateway.frames?.write(frame(1), () => {});
    expect((await viewer.next()).seq).toBe(1);
  });

  it('refuses a message that is no protobuf on that call alone', async () => {
    const gateway = new RecordedGateway();
    const { server } = await serve(gateway.asGateway());
    const call = rawClient(server.address).makeBidiStreamRequest(
      '/sluice.v1.Gateway/Connect',
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
    );
    call.resume().write(Buffer.from([0xff, 0xff, 0xff]));
    expect((await statusOf(call)).code).toBe(Code.INTERNAL);
    expect(gateway.told).toEqual([]);
  });

  it('answers a method that it does not have with UNIMPLEMENTED', async () => {
    const { server } = await serve(new RecordedGateway().asGateway());
    await expect(unary(rawClient(server.address), '/sluice.v1.Gateway/Publish', Buffer.alloc(0))).rejects.toMatchObject(
      {
        code: Code.UNIMPLEMENTED,
      },
    );
  });
});

describe('an address that is taken', () => {
  it('is named in one line, and nothing is left behind', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const stderr = vi.spyOn(console, 'error');
    onTestFinished(() => stderr.mockRestore());
    const gateway = new RecordedGateway();
    const log = { error: () => {}, warn: () => {} };
    const starting = startGrpcServer({
      gateway: gateway.asGateway(),
      host: '127.0.0.1',
      port,
      keepalive: { timeMs: 10_000, timeoutMs: 5_000 },
      maxMessageBytes: 1024,
      log,
    });
    await expect(starting).rejects.toThrow(
      `cannot listen for gRPC on 127.0.0.1:${port}: the address is already in use`,
    );
    expect(gateway.listeners).toBe(0);
    expect(stderr).not.toHaveBeenCalled();
  });
});

describe('health', () => {
  const check = async (address: string, service: string): Promise<string> => {
    const method = (healthService as unknown as ServiceDefinition)['Check'] as ServiceDefinition[string];
    const response = await unary(rawClient(address), method.path, method.requestSerialize({ service }));
    return (method.responseDeserialize(response) as { status: string }).status;
  };

  it('is told of the whole, of each service, and of each camera as it comes, fails and goes', async () => {
    const gateway = new RecordedGateway();
    const { server } = await serve(gateway.asGateway());
    for (const service of ['', 'sluice.v1.Gateway', 'sluice.v1.Camera', 'camera/front']) {
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
    expect(await check(server.address, 'camera/front')).toBe('SERVICE_UNKNOWN');
  });

  it('is NOT_SERVING for everything as soon as the gateway drains', async () => {
    const gateway = new RecordedGateway();
    const { server } = await serve(gateway.asGateway());
    const client = rawClient(server.address);
    const method = (healthService as unknown as ServiceDefinition)['Watch'] as ServiceDefinition[string];
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

describe('a server that stops', () => {
  it('refuses newcomers while it drains, and lets those who are in finish', async () => {
    const gateway = new RecordedGateway();
    const { server, client } = await serve(gateway.asGateway());
    const inbox = frameInbox();
    client().watch({ cameraId: 'front' }, inbox.listener);
    await inbox.opened;
    server.drain();
    server.drain();
    const late = frameInbox();
    clientOf(server.address).watch({ cameraId: 'front' }, late.listener);
    expect((await late.ended).code).toBe(Code.UNAVAILABLE);
    gateway.frames?.write(frame(1), () => {});
    expect((await inbox.next()).seq).toBe(1);
    gateway.frames?.end({ shutdown: 'drain' });
    expect((await inbox.ended).code).toBe(Code.UNAVAILABLE);
    await server.stop(60_000);
    await server.stop(60_000);
    expect(gateway.listeners).toBe(0);
  });

  it('ends what the gateway has left open by force, after the grace', async () => {
    const { server, client } = await serve(new RecordedGateway().asGateway());
    const inbox = frameInbox();
    client().watch({ cameraId: 'front' }, inbox.listener);
    await inbox.opened;
    await server.stop(50);
    expect((await inbox.ended).code).not.toBe(Code.OK);
  });

  it('does not wait for watchers of its health, nor for callers of its reflection', async () => {
    const { server } = await serve(new RecordedGateway().asGateway());
    const client = rawClient(server.address);
    const method = (healthService as unknown as ServiceDefinition)['Watch'] as ServiceDefinition[string];
    const watch = client.makeServerStreamRequest(method.path, method.requestSerialize, (bytes) => bytes, {
      service: '',
    });
    const ended = statusOf(watch);
    await once(watch, 'data');
    const ask = await reflectionOf(server.address);
    await ask({ listServices: '*' });
    await server.stop(60_000);
    expect(await ended).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(/^draining: /) });
  });

  it('does not wait for a control stream that has not said hello', async () => {
    const gateway = new RecordedGateway();
    const { server, client } = await serve(gateway.asGateway());
    const caller = client();
    const inbox = controlInbox();
    caller.connect(inbox.listener);
    // Both calls go over one connection, in order: when the second is in, the first is.
    const viewer = frameInbox();
    caller.watch({ cameraId: 'front' }, viewer.listener);
    await viewer.opened;
    gateway.frames?.end('normal');
    await server.stop(60_000);
    expect((await inbox.ended).code).toBe(Code.UNAVAILABLE);
  });

  it('closes a connection that never said anything', async () => {
    const { server } = await serve(new RecordedGateway().asGateway());
    const socket = await rawSocket(server.port);
    const closed = once(socket.resume(), 'close');
    await server.stop(50);
    await closed;
  });
});

function statusOf(call: EventEmitter): Promise<StatusObject> {
  call.on('error', () => {});
  return new Promise((resolve) => call.on('status', resolve));
}

function unary(client: Client, path: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      request,
      (error, response) => (error ? reject(error) : resolve(response as Buffer)),
    );
  });
}

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
}

/** A reflection client, made of the definition that the library registers. */
async function reflectionOf(address: string): Promise<(request: object) => Promise<ReflectionAnswer>> {
  const { ReflectionService } = await import('@grpc/reflection');
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({ addService: (definition) => void definitions.push(definition) });
  const method = definitions[0]?.['ServerReflectionInfo'] as ServiceDefinition[string];
  const call = rawClient(address).makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize as (bytes: Buffer) => ReflectionAnswer,
  );
  call.on('error', () => {});
  return async (request) => {
    const answer = once(call, 'data');
    call.write(request);
    return (await answer)[0] as ReflectionAnswer;
  };
}
