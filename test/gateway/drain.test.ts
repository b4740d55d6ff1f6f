/** A gateway that is told to go: who is told, who is refused, and how long it takes at most. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { fromProcess } from '../../src/otp/index.js';
import { clientOf, controlInbox, frameInbox } from '../grpc/harness.js';
import { runGateway } from '../grpc/running-gateway.js';
import { VirtualGateway } from './virtual-gateway.js';

const TOKEN = 'a-token-for-tests';

describe('a gateway that is drained', () => {
  it('D-15 is not ready, tells its streams to go, and refuses new clients with a time to come back after', async () => {
    const { gateway, address } = await runGateway({ http: { port: 0, token: TOKEN } });
    const base = `http://${gateway.addresses.http?.replace(/^https?:\/\//, '')}`;
    const ready = async (): Promise<number> => (await fetch(`${base}/readyz`)).status;
    const [inbox, frames] = [controlInbox(), frameInbox()];
    const client = clientOf(address);
    client.connect(inbox.listener).send({ case: 'hello', value: { nodeId: 'user' } });
    expect((await inbox.next()).message.case).toBe('welcome');
    client.watch({ cameraId: 'demo' }, frames.listener, { nodeId: 'user' });
    await frames.next();
    expect(await ready()).toBe(200);

    const asked = await fetch(`${base}/api/drain`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    expect(asked.status).toBe(202);
    expect(await ready()).toBe(503);
    // Heartbeats may come before it.
    let word = (await inbox.next()).message;
    while (word.case === 'heartbeat') word = (await inbox.next()).message;
    expect(word).toMatchObject({ case: 'bye', value: { reason: 'drain', reconnect: true } });
    expect((await frames.ended).code).toBe(Code.UNAVAILABLE);
    await inbox.ended;

    const late = controlInbox();
    clientOf(address)
      .connect(late.listener)
      .send({ case: 'hello', value: { nodeId: 'late' } });
    const refusal = await late.ended;
    expect(refusal.code).toBe(Code.UNAVAILABLE);
    expect(Number(refusal.metadata.get('grpc-retry-pushback-ms')[0])).toBeGreaterThan(0);
    const view = frameInbox();
    clientOf(address).watch({ cameraId: 'demo' }, view.listener);
    expect((await view.ended).code).toBe(Code.UNAVAILABLE);
    expect(gateway.resources()).toMatchObject({ sessions: 0, clients: 0, viewers: 0 });
  });

  it('D-15 D-31 waits for who is slow until its deadline, and ends them by force a second later', async () => {
    const virtual = await VirtualGateway.start();
    let giveBack = (): void => {};
    const given = new Promise<void>((resolve) => {
      giveBack = resolve;
    });
    const deaf = fromProcess<undefined>(
      ({ scope }) => {
        scope.acquire('thing', () => given);
        return {};
      },
      { kind: 'deaf' },
    );
    const { wire } = await virtual.connect('user');
    const session = virtual.gateway.sessions.get('user');
    await session?.apps.start({ packageName: 'deaf', child: ({ spawn }) => spawn(deaf) });
    await virtual.settle();
    const alive = (): number => virtual.gateway.resources().actors.byKind['deaf'] ?? 0;
    let over = false;
    const stopped = virtual.gateway.stop({ deadlineMs: 2_000 }).then(() => {
      over = true;
    });
    await virtual.settle();
    expect(wire.byes).toEqual(['drain true']);
    for (let ms = 0; ms < 1_980; ms += 20) await virtual.advance(20);
    expect([alive(), over]).toEqual([1, false]);
    for (let ms = 0; ms < 1_100; ms += 20) await virtual.advance(20);
    await stopped;
    // Its own five seconds are not over: the deadline of the whole was.
    expect(virtual.clock.now()).toBeLessThan(5_000);
    // What cannot be given back yet is not waited for, and is still counted until it is.
    expect(virtual.gateway.census()).toMatchObject({ thing: 1 });
    giveBack();
    await virtual.stop();
  });
});
