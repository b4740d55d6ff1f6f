/** A crowd that is told to go: everybody hears of it, nobody is left, and it ends in time whoever does not listen. */
import type { ClientHttp2Stream } from 'node:http2';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { clientOf, controlInbox, type Inbox } from './harness.js';
import { framed, openCall, openSession } from './raw-http2.js';
import { runGateway } from './running-gateway.js';

const CLIENTS = 1_000;

describe('a thousand clients over gRPC', () => {
  it('D-15 D-31 are all told to go and come back, within the deadline, and nothing is left of them', async () => {
    const { gateway, address } = await runGateway({ session: { heartbeatMs: 60_000 } });
    const inboxes: Inbox<ServerMessage>[] = [];
    for (let at = 0; at < CLIENTS; at += 100) {
      // A hundred to a connection.
      const client = clientOf(address);
      for (let one = 0; one < 100; one++) {
        const inbox = controlInbox();
        client.connect(inbox.listener).send({ case: 'hello', value: { nodeId: `node-${at + one}` } });
        inboxes.push(inbox);
      }
    }
    for (const inbox of inboxes) expect((await inbox.next()).message.case).toBe('welcome');
    expect(gateway.resources()).toMatchObject({ clients: CLIENTS, sessions: CLIENTS });
    const beganMs = performance.now();
    await gateway.stop({ deadlineMs: 20_000 });
    expect(performance.now() - beganMs).toBeLessThan(21_000);
    for (const inbox of inboxes) {
      expect((await inbox.next()).message).toMatchObject({ case: 'bye', value: { reason: 'drain', reconnect: true } });
      const { code, metadata } = await inbox.ended;
      expect([code, Number(metadata.get('grpc-retry-pushback-ms')[0])]).toEqual([Code.UNAVAILABLE, 1000]);
    }
    expect(gateway.census()).toEqual({});
  }, 60_000);

  it('that do not read, or do not let go of their connection, are cut off at the deadline', async () => {
    const { gateway, address } = await runGateway();
    const streams: ClientHttp2Stream[] = [];
    for (let at = 0; at < 100; at++) {
      const session = openSession(address);
      const stream = openCall(session, '/sluice.v1.Gateway/Watch');
      stream.pause();
      stream.end(framed(Buffer.from('\x0a\x04demo')));
      streams.push(stream);
    }
    await expect.poll(() => gateway.resources().viewers, { timeout: 10_000 }).toBe(100);
    const deadlineMs = 500;
    const beganMs = performance.now();
    await gateway.stop({ deadlineMs });
    // A second for what is cut off by force, another for a machine that is busy with other things.
    expect(performance.now() - beganMs).toBeLessThan(deadlineMs + 1_000 + 3_000);
    expect(gateway.census()).toEqual({});
    // They notice when they read again.
    for (const stream of streams) stream.resume();
    await expect.poll(() => streams.filter(({ destroyed }) => !destroyed), { timeout: 10_000 }).toEqual([]);
  });
});
