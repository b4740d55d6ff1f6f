import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { clientOf, controlInbox, frameInbox } from './harness.js';
import { runGateway } from './running-gateway.js';

async function said(address: string, nodeId: string) {
  const inbox = controlInbox();
  const control = clientOf(address).connect(inbox.listener);
  control.send({ case: 'hello', value: { nodeId } });
  return { inbox, control };
}

describe('a client of a running gateway', () => {
  it('is welcomed, hears its heartbeat, says bye, and is gone', async () => {
    const { gateway, address } = await runGateway();
    const { inbox, control } = await said(address, 'edge-1');
    expect((await inbox.next()).message.case).toBe('welcome');
    expect(gateway.resources()).toMatchObject({ clients: 1, client_streams: 1 });
    control.send({ case: 'heartbeat', value: { timestampMs: 77n } });
    // The server's own beat may come in between.
    for (;;) {
      const { message } = await inbox.next();
      if (message.case === 'heartbeat' && message.value.timestampMs === 77n) break;
    }
    control.send({ case: 'bye', value: { reason: 'done' } });
    expect((await inbox.ended).code).toBe(Code.OK);
    await vi.waitFor(() => expect(gateway.resources()).toMatchObject({ clients: 0, client_streams: 0, sessions: 0 }));
  });

  it('that comes again supersedes the one before, who is told so and not to come back', async () => {
    const { gateway, address } = await runGateway();
    const first = await said(address, 'edge-1');
    expect((await first.inbox.next()).message.case).toBe('welcome');
    const second = await said(address, 'edge-1');
    expect((await second.inbox.next()).message.case).toBe('welcome');
    expect((await first.inbox.next()).message).toMatchObject({
      case: 'bye',
      value: { reason: 'superseded', reconnect: false },
    });
    expect(await first.inbox.ended).toMatchObject({
      code: Code.ABORTED,
      details: expect.stringMatching(/^superseded: /),
    });
    expect(gateway.resources().clients).toBe(1);
  });

  it('without a node_id is refused by the name of the field', async () => {
    const { gateway, address } = await runGateway();
    const { inbox } = await said(address, '');
    expect(await inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^invalid_argument: .*hello\.node_id/),
    });
    expect(gateway.resources().clients).toBe(0);
  });

  it('of another realm is refused', async () => {
    const { address } = await runGateway();
    const inbox = controlInbox();
    clientOf(address)
      .connect(inbox.listener)
      .send({ case: 'hello', value: { nodeId: 'edge-1', realm: 'elsewhere' } });
    expect(await inbox.ended).toMatchObject({
      code: Code.PERMISSION_DENIED,
      details: expect.stringMatching(/^permission_denied: .*elsewhere/),
    });
  });

  it('that says nothing for the inactivity time is told so and ended', async () => {
    const { address } = await runGateway({ session: { inactivityMs: 300, heartbeatMs: 100 } });
    const { inbox } = await said(address, 'edge-1');
    expect(await inbox.ended).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/^inactivity: /),
    });
  });

  it('finds no room where limits.clients is reached', async () => {
    const { address } = await runGateway({ limits: { clients: 1 } });
    const first = await said(address, 'edge-1');
    await first.inbox.next();
    const second = await said(address, 'edge-2');
    expect(await second.inbox.ended).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/^max_clients_reached: /),
    });
  });
});

describe('a viewer of a running gateway', () => {
  it('gets real pictures in order, and when it cancels it is in no map any more', async () => {
    const { gateway, address } = await runGateway();
    const inbox = frameInbox();
    const stream = clientOf(address).watch({ cameraId: 'demo' }, inbox.listener);
    let last = 0;
    for (let i = 0; i < 10; i++) {
      const { seq, cameraId, contentType, picture } = await inbox.next();
      expect(seq).toBe(last + 1);
      expect([cameraId, contentType]).toEqual(['demo', 'image/jpeg']);
      expect(picture.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
      last = seq;
    }
    stream.cancel();
    await vi.waitFor(() => expect(gateway.resources()).toMatchObject({ clients: 0, streams: 0, viewers: 0 }));
  });

  it('of a camera that does not exist gets NOT_FOUND with its name, and leaves no client', async () => {
    const { gateway, address } = await runGateway();
    const inbox = frameInbox();
    clientOf(address).watch({ cameraId: 'back' }, inbox.listener);
    expect(await inbox.ended).toMatchObject({
      code: Code.NOT_FOUND,
      details: expect.stringMatching(/^camera_not_found: .*"back"/),
    });
    expect(gateway.resources().clients).toBe(0);
  });

  it('is served through another gateway that reads ProduceCameraStream', async () => {
    const { address } = await runGateway();
    const inbox = frameInbox();
    clientOf(address).produceCameraStream(undefined, inbox.listener);
    expect((await inbox.next()).cameraId).toBe('demo');
  });

  it('is told to go when the gateway drains, and when to come back', async () => {
    const { gateway, address } = await runGateway();
    const viewer = frameInbox();
    clientOf(address).watch({ cameraId: 'demo' }, viewer.listener);
    await viewer.next();
    const { inbox } = await said(address, 'edge-1');
    await inbox.next();
    await gateway.stop();
    const status = await viewer.ended;
    expect(status).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(/^draining: /) });
    expect(status.metadata.get('grpc-retry-pushback-ms')).toHaveLength(1);
    expect((await inbox.next()).message).toMatchObject({ case: 'bye', value: { reason: 'drain', reconnect: true } });
    expect((await inbox.ended).code).toBe(Code.UNAVAILABLE);
  });
});
