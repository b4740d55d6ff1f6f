import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startGrpcServer } from '../../src/grpc/server.js';
import { clientOf, controlInbox, frameInbox, serve } from './harness.js';
import { healthWatch, rawClient, reflectionOf, statusOf, unary } from './raw-calls.js';
import { frame, RecordedGateway } from './recorded-gateway.js';

const GARBAGE = 'GET / HTTP/1.1\r\nHost: somebody\r\n\r\n';

async function rawSocket(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
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
    await expect(unary(rawClient(server.address), '/sluice.v1.Gateway/Nothing', Buffer.alloc(0))).rejects.toMatchObject(
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
    const method = healthWatch;
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
