/** Sessions, clients, calls and cameras together, on virtual time. What the grace adds is in `session-grace.test.ts`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordedControl } from './paths/held-wire.js';
import { HELLO, NOBODY, PICTURE_MS, WholeGateway } from './whole-gateway.js';

let gateway: WholeGateway;

beforeEach(async () => {
  gateway = await WholeGateway.start();
});

afterEach(async () => {
  expect(gateway.manager.faults()).toEqual([]);
  expect(gateway.live.resources().orphans).toBe(0);
  await gateway.stop();
});

const one = { clients: 1, clientStreams: 1, streams: 1 };

describe('a client that says hello', () => {
  it('M-C3 is welcomed, and known with what it said', async () => {
    const { control, wire } = await gateway.hello('n1', { capabilities: ['audio'], endpoint: 'east' });
    expect(wire.of('welcome')).toMatchObject([{ clientId: control.clientId, heartbeatMs: 5_000, resumed: false }]);
    expect(gateway.live.clients()).toMatchObject([{ nodeId: 'n1', implicit: false, streams: 1 }]);
    expect(gateway.manager.getAllClients()[0]?.info).toMatchObject({ realm: 'default', capabilities: ['audio'] });
    expect(gateway.manager.getStreamByEndpoint('east') === gateway.manager.getClientStream('n1')).toBe(true);
  });

  it('has each heartbeat answered with its own stamp', async () => {
    const { control, wire } = await gateway.hello('n1');
    for (const stamp of [7, 7, 1_700_000_000_000]) control.heartbeat(stamp);
    expect(wire.of('heartbeat').map(({ timestampMs }) => timestampMs)).toEqual([7, 7, 1_700_000_000_000]);
  });

  it('is told to go when it is silent, and may come back', async () => {
    const { wire } = await gateway.hello('n1');
    await gateway.pass(30_000);
    expect(wire.of('bye')).toEqual([{ type: 'bye', reason: 'inactivity', retryAfterMs: 0, reconnect: true }]);
    expect(wire.ends).toEqual([{ shutdown: 'inactivity' }]);
    expect(gateway.manager.counts).toEqual(NOBODY);
  });

  it.each([
    ['realm', { realm: 'elsewhere' }, 'permission_denied'],
    ['node_id', { nodeId: '' }, 'invalid_argument'],
  ])('S3-8 is refused with a wrong %s, and leaves nothing', async (field, wrong, code) => {
    await expect(gateway.hello('n1', wrong)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`hello.${field}`),
    });
    expect(gateway.states).toEqual([]);
    expect(gateway.manager.counts).toEqual(NOBODY);
  });
});

describe('a second hello of one node id', () => {
  it('replaces the first, whose streams end and who is told not to come back', async () => {
    const first = await gateway.hello('n1');
    const viewer = await gateway.watch('n1');
    const second = await gateway.hello('n1');
    expect(first.wire.of('bye')).toEqual([{ type: 'bye', reason: 'superseded', retryAfterMs: 0, reconnect: false }]);
    expect(first.wire.ends).toEqual([{ shutdown: 'superseded' }]);
    expect(viewer.wire.ends).toHaveLength(1);
    expect(second.wire.ends).toEqual([]);
    expect(gateway.manager.counts).toEqual(one);
  });

  it('and eight more, all at once, leave exactly one session, whose client was welcomed', async () => {
    const wires = Array.from({ length: 10 }, () => new RecordedControl());
    const answers = wires.map((wire) => gateway.live.connect({ ...HELLO, nodeId: 'n1' }, wire));
    const settled = await Promise.allSettled(answers);
    await gateway.settle();
    expect(gateway.states).toEqual(['n1 connected']);
    expect(gateway.manager.counts).toEqual(one);
    const open = wires.filter((wire) => wire.ends.length === 0 && wire.of('welcome').length === 1);
    expect(open).toHaveLength(1);
    for (const [i, wire] of wires.entries()) {
      // Everybody else was refused, or was welcomed and then told who took the place.
      if (wire === open[0]) expect(settled[i]?.status).toBe('fulfilled');
      else if (settled[i]?.status === 'fulfilled')
        expect(wire.of('bye').map(({ reason }) => reason)).toEqual(['superseded']);
    }
  });
});

describe('a call of somebody who never said hello', () => {
  it('makes a client that lives as long as its calls', async () => {
    const [first, other] = [await gateway.watch('n1'), await gateway.watch('n1')];
    expect(gateway.live.clients()).toMatchObject([{ nodeId: 'n1', implicit: true, streams: 2 }]);
    first.call.peerCancelled();
    await gateway.settle();
    expect(gateway.manager.counts).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
    other.call.peerCancelled();
    await gateway.settle();
    expect(gateway.manager.counts).toEqual(NOBODY);
    expect(gateway.states).toEqual([]);
  });

  it('is never told that it was silent', async () => {
    const { wire } = await gateway.watch('n1');
    await gateway.pass(10 * 60_000);
    expect(wire.ends).toEqual([]);
    expect(gateway.states).toHaveLength(1);
  });

  it('and gives no name gets one of its own', async () => {
    await gateway.watch();
    await gateway.watch();
    expect(gateway.live.clients().map(({ nodeId }) => /^anon-/.test(nodeId))).toEqual([true, true]);
    expect(new Set(gateway.manager.getAllNodeIds()).size).toBe(2);
  });

  it('for a camera that there is not makes nobody a client', async () => {
    const watching = gateway.live.watch({ cameraId: 'nowhere' }, undefined, new RecordedControl() as never);
    await expect(watching).rejects.toMatchObject({ code: 'camera_not_found' });
    expect(gateway.states).toEqual([]);
  });

  it('keeps its calls when it says hello after all', async () => {
    const { wire, call } = await gateway.watch('n1');
    const hello = await gateway.hello('n1');
    expect(wire.ends).toEqual([]);
    expect(gateway.live.clients()).toMatchObject([{ nodeId: 'n1', implicit: false, streams: 2 }]);
    await gateway.pass(PICTURE_MS);
    expect(wire.frames.length).toBeGreaterThan(0);
    call.peerCancelled();
    await gateway.settle();
    expect(hello.wire.ends).toEqual([]);
    expect(gateway.manager.counts).toEqual(one);
  });
});

describe('a call that names a client who is there', () => {
  it('belongs to that client and ends with it', async () => {
    const { control } = await gateway.hello('n1');
    const { wire } = await gateway.watch('n1');
    expect(gateway.manager.counts).toEqual({ clients: 1, clientStreams: 1, streams: 2 });
    control.bye('done');
    await gateway.settle();
    expect(wire.ends).toHaveLength(1);
    expect(gateway.manager.counts).toEqual(NOBODY);
    expect(gateway.viewers).toBe(0);
  });

  it('is refused when that client has as many as it may have, and nothing of it stays', async () => {
    await gateway.hello('n1');
    for (let calls = 0; calls < 15; calls += 1) await gateway.watch('n1');
    await expect(gateway.watch('n1')).rejects.toMatchObject({ code: 'max_streams_reached' });
    await gateway.settle();
    expect(gateway.manager.counts.streams).toBe(16);
    expect(gateway.live.streams()).toHaveLength(16);
    expect(gateway.viewers).toBe(15);
  });
});

describe('a client that is killed', () => {
  it('S3-5 D-2 takes its streams along and leaves both maps empty', async () => {
    const { control, wire } = await gateway.hello('n1');
    const viewer = await gateway.watch('n1');
    const bystander = await gateway.watch('n2');
    await gateway.kill(control.clientId);
    expect(wire.ends).toHaveLength(1);
    expect(viewer.wire.ends).toHaveLength(1);
    expect(gateway.manager.getAllNodeIds()).toEqual(['n2']);
    expect(gateway.manager.getClientStream('n1')).toBeUndefined();
    expect(bystander.wire.ends).toEqual([]);
    expect(gateway.viewers).toBe(1);
  });
});

describe('a session that is killed', () => {
  it('takes its client along and holds no place for it', async () => {
    for (let time = 0; time < 3; time += 1) {
      const { wire } = await small.hello('n1');
      await small.kill('sluice/sessions/session:n1');
      expect(wire.ends).toHaveLength(1);
    }
    await expect(small.hello('n2')).resolves.toBeDefined();
    await small.kill('sluice/sessions');
    await expect(small.hello('n3')).resolves.toBeDefined();
  });

  let small: WholeGateway;
  beforeEach(async () => {
    small = await WholeGateway.start({ limits: { clients: 1 } });
  });
  afterEach(() => small.stop());
});

describe('a camera that is killed', () => {
  it('ends its viewers, is started again, and shows pictures to whoever comes then', async () => {
    const { wire } = await gateway.watch();
    await gateway.pass(PICTURE_MS);
    expect(wire.frames.length).toBeGreaterThan(0);
    const before = gateway.gateway.cameras.get('front');
    await gateway.kill(before.process.path);
    expect(wire.ends).toEqual([{ shutdown: 'source_failed' }]);
    expect(gateway.gateway.cameras.views()).toMatchObject([{ id: 'front', state: 'restarting' }]);
    expect(() => gateway.gateway.cameras.get('front')).toThrow(/^camera_failed: camera "front" has crashed/);
    await gateway.pass(50);
    const after = gateway.gateway.cameras.get('front');
    expect(after === before).toBe(false);
    expect(after.process.restarts).toBe(1);
    expect(gateway.manager.counts).toEqual(NOBODY);
    const next = await gateway.watch();
    await gateway.pass(PICTURE_MS);
    expect(next.wire.frames[0]?.seq).toBe(1);
    expect(gateway.ends(after.process.path)).toEqual(['killed']);
  });
});

describe('a client manager that is killed', () => {
  it('D-9 L12 is started again and knows everybody who is still there; nobody notices', async () => {
    const [a, b] = [await gateway.hello('a', { endpoint: 'east' }), await gateway.hello('b')];
    const call = await gateway.watch('b');
    const stranger = await gateway.watch('c');
    const before = [a, b].map((_, i) => gateway.manager.getClientStream(i === 0 ? 'a' : 'b'));
    await gateway.kill('sluice/core/clients');
    expect(gateway.manager.counts).toEqual({ clients: 3, clientStreams: 3, streams: 4 });
    expect(
      [gateway.manager.getClientStream('a'), gateway.manager.getClientStream('b')].map((s, i) => s === before[i]),
    ).toEqual([true, true]);
    expect(gateway.manager.getStreamByEndpoint('east') === before[0]).toBe(true);
    for (const { wire } of [a, b, call, stranger]) expect(wire.ends).toEqual([]);
    stranger.call.peerCancelled();
    a.control.bye('done');
    await gateway.settle();
    expect(gateway.manager.getAllNodeIds()).toEqual(['b']);
  });
});

describe('a gateway that is drained', () => {
  it('says bye{drain} to each client once, ends every viewer with drain, and leaves nothing', async () => {
    const clients = [await gateway.hello('a'), await gateway.hello('b')];
    const viewers = [await gateway.watch('a'), await gateway.watch()];
    const drained = gateway.live.drain(10_000);
    await gateway.pass(20);
    await gateway.pass(20);
    await drained;
    for (const { wire } of clients) {
      expect(wire.of('bye')).toEqual([{ type: 'bye', reason: 'drain', retryAfterMs: 0, reconnect: true }]);
      expect(wire.ends).toEqual([{ shutdown: 'drain' }]);
    }
    for (const { wire } of viewers) expect(wire.ends).toEqual([{ shutdown: 'drain' }]);
    expect(gateway.manager.counts).toEqual(NOBODY);
    expect(gateway.live.streams()).toEqual([]);
    expect(gateway.states).toEqual([]);
  });

  it('refuses newcomers from the first moment on', async () => {
    const drained = gateway.live.drain(10_000);
    await expect(gateway.hello('a')).rejects.toMatchObject({ code: 'draining' });
    await expect(gateway.watch()).rejects.toMatchObject({ code: 'draining' });
    await drained;
  });
});
