/** What is relied on of grpc-js's insides, and of HTTP/2's PING, to know that a peer has read what it was sent. */
import { once } from 'node:events';
import { type ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callOver } from '../../src/grpc/channel.js';
import { peerHasRead, sessionOf } from '../../src/grpc/round-trip.js';
import { peer, realPool, WATCH } from './channel-peers.js';

const same = (bytes: Buffer): Buffer => bytes;

async function openCall() {
  const { channels } = await realPool();
  const far = await peer();
  const lease = await channels.acquire(far.target);
  const call: ClientReadableStream<Buffer> = callOver(lease, (client) =>
    client.makeServerStreamRequest(WATCH.path, same, same, Buffer.alloc(0), new Metadata()),
  );
  await once(call, 'data');
  return { far, lease, call };
}

describe('the connection of a call', () => {
  it('is found while the call is open and when it has ended', async () => {
    const { call } = await openCall();
    const session = sessionOf(call);
    expect(session?.destroyed).toBe(false);
    const ended = new Promise((resolve) => call.on('status', resolve));
    call.cancel();
    await ended;
    expect(sessionOf(call)).toBe(session);
  });

  it('is nowhere in what is no call of this grpc-js', () => {
    expect(sessionOf({ call: { child: { child: {} } } })).toBeUndefined();
  });
});

describe('asking whether a peer has read', () => {
  it('is answered when it has: a cancelled call is over there by then', async () => {
    const { call, far } = await openCall();
    const session = sessionOf(call);
    call.cancel();
    expect(session && (await peerHasRead(session, 5_000))).toBe(true);
    expect(far.streams.value).toBe(0);
  });

  it('by a thousand at once makes two round trips, one that may be under way and one for all', async () => {
    const { call } = await openCall();
    const session = sessionOf(call);
    if (!session) throw new Error('no session');
    let pings = 0;
    const ping = session.ping.bind(session);
    session.ping = ((answered: () => void) => {
      pings += 1;
      return ping(answered);
    }) as typeof session.ping;
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => peerHasRead(session, 5_000)));
    expect(answers.every(Boolean)).toBe(true);
    expect(pings).toBeLessThanOrEqual(2);
  });

  it('is answered at once of a connection that is no more, and that ends meanwhile', async () => {
    const { call, far } = await openCall();
    const session = sessionOf(call);
    if (!session) throw new Error('no session');
    const asked = peerHasRead(session, 60_000);
    await far.kill();
    expect(await asked).toBe(true);
    expect(await peerHasRead(session, 60_000)).toBe(true);
  });
});
