/** Sessions from hello to the end of the grace: real actors, real tables, virtual time; only the wire is the test's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlHandle, Hello } from '../../src/gateway/transport.js';
import { type Connected, VirtualGateway } from './virtual-gateway.js';

let virtual: VirtualGateway;

beforeEach(async () => {
  virtual = await VirtualGateway.start({ limits: { clients: 2 } });
});

afterEach(() => virtual.stop());

const connect = (nodeId: string, more: Partial<Hello> = {}): Promise<Connected> => virtual.connect(nodeId, more);
const settle = (): Promise<void> => virtual.settle();
const states = (): string[] => virtual.states;
const counts = () => virtual.gateway.clients.counts;

describe('a session whose client is lost', () => {
  it('S4-2 S4-3 waits for the grace, and is disposed at its end', async () => {
    const { control } = await connect('n');
    expect(states()).toEqual(['n connected']);
    control.peerCancelled();
    await settle();
    expect(states()).toEqual(['n grace']);
    expect(counts()).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
    virtual.clock.advance(59_999);
    await settle();
    expect(states()).toEqual(['n grace']);
    virtual.clock.advance(1);
    await settle();
    expect(states()).toEqual([]);
  });

  it.each([
    ['a cancel', (control: ControlHandle) => control.peerCancelled()],
    ['a half-close', (control: ControlHandle) => control.peerHalfClosed()],
    ['an error', (control: ControlHandle) => control.failed(new Error('reset'))],
  ])('S4-2 is in grace after %s', async (_way, lose) => {
    const { control } = await connect('n');
    lose(control);
    await settle();
    expect(states()).toEqual(['n grace']);
  });

  it('S4-5 is kept by a hello with its token, which is spent by it', async () => {
    const { control, wire } = await connect('n');
    const { sessionId, resumeToken } = wire.welcome;
    control.peerCancelled();
    await settle();
    virtual.clock.advance(30_000);
    const back = await connect('n', { resumeToken });
    expect(back.wire.welcome).toMatchObject({ sessionId, resumed: true });
    expect(back.wire.welcome.resumeToken).not.toBe(resumeToken);
    expect(states()).toEqual(['n connected']);
    virtual.clock.advance(59_000);
    back.control.heartbeat(1);
    await expect(connect('n', { resumeToken })).rejects.toThrow(/^unauthenticated: hello.resume_token/);
  });

  it('is resumed while the gateway still believes in the old connection, which is told so', async () => {
    const { wire } = await connect('n');
    const back = await connect('n', { resumeToken: wire.welcome.resumeToken });
    expect(wire.byes).toEqual(['superseded false']);
    expect(wire.ended).toBe('shutdown: superseded');
    expect(back.wire.welcome).toMatchObject({ sessionId: wire.welcome.sessionId, resumed: true });
    expect(counts()).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });

  it('keeps its place, so that its owner is never refused for lack of room', async () => {
    const { control, wire } = await connect('a');
    await connect('b');
    control.peerCancelled();
    await settle();
    await expect(connect('c')).rejects.toThrow(/^max_clients_reached/);
    const back = await connect('a', { resumeToken: wire.welcome.resumeToken });
    expect(back.wire.welcome.resumed).toBe(true);
  });

  it('gives its place back at the end of the grace', async () => {
    const { control } = await connect('a');
    await connect('b');
    control.peerCancelled();
    await settle();
    virtual.clock.advance(29_000);
    // The other one has to be heard in the meantime.
    virtual.clock.advance(0);
    await settle();
    expect(states()).toEqual(['a grace', 'b connected']);
    virtual.clock.advance(31_000);
    await settle();
    const { wire } = await connect('c');
    expect(wire.welcome.resumed).toBe(false);
  });

  it('is not attached to by a call in its name, which is a client of its own', async () => {
    const { control } = await connect('n');
    control.peerCancelled();
    await settle();
    const session = await virtual.gateway.sessions.forCall('n');
    expect(session.nodeId).toMatch(/^anon-/);
    expect(states()).toEqual(['n grace', `${session.nodeId} connected`]);
    session.client.send({ type: 'client.unused' });
    await settle();
    expect(states()).toEqual(['n grace']);
  });

  it('is replaced by a hello without a token', async () => {
    const { control, wire } = await connect('n');
    control.peerCancelled();
    await settle();
    const fresh = await connect('n');
    expect(fresh.wire.welcome.resumed).toBe(false);
    expect(fresh.wire.welcome.sessionId).not.toBe(wire.welcome.sessionId);
    expect(states()).toEqual(['n connected']);
  });

  it('is in grace when it was killed, and can be resumed', async () => {
    const { control, wire } = await connect('n');
    await settle();
    const { process } = virtual.gateway.sessions.get('n')?.client ?? {};
    process?.terminate('killed');
    await settle();
    expect(states()).toEqual(['n grace']);
    expect(wire.ended).toBe('shutdown: client_gone');
    expect(control.id).toContain('connect:1');
    const back = await connect('n', { resumeToken: wire.welcome.resumeToken });
    expect(back.wire.welcome.resumed).toBe(true);
  });
});

describe('a session whose client leaves', () => {
  it('is disposed at once by a bye', async () => {
    const { control, wire } = await connect('n');
    control.bye('done');
    await settle();
    expect(states()).toEqual([]);
    expect(wire.byes).toEqual([]);
    expect(wire.ended).toBe('shutdown: bye');
    expect(counts()).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
  });
});

describe('a client that says nothing', () => {
  it('S2-9 is told bye{inactivity} after 30 s, and its grace begins', async () => {
    const { wire } = await connect('n');
    virtual.clock.advance(29_999);
    await settle();
    expect(wire.byes).toEqual([]);
    virtual.clock.advance(1);
    await settle();
    expect(wire.byes).toEqual(['inactivity true']);
    expect(wire.ended).toBe('shutdown: inactivity');
    expect(states()).toEqual(['n grace']);
  });

  it('is beaten to every 5 s all the same', async () => {
    const { wire } = await connect('n');
    virtual.clock.advance(20_000);
    expect(wire.words.filter(({ type }) => type === 'heartbeat')).toHaveLength(4);
  });

  it('is not there any more only when it stops: each heartbeat keeps it', async () => {
    const { control, wire } = await connect('n');
    for (let beat = 0; beat < 10; beat += 1) {
      virtual.clock.advance(29_000);
      control.heartbeat(beat);
    }
    expect(states()).toEqual(['n connected']);
    expect(wire.words.at(-1)).toEqual({ type: 'heartbeat', timestampMs: 9 });
  });
});

describe('a connect that is late', () => {
  it('is refused as stale when its ordinal is lower than one that was seen', async () => {
    await connect('n', { ordinal: 5 });
    await expect(connect('n', { ordinal: 4 })).rejects.toThrow(
      /^stale_connect: hello.ordinal: expected at least 5, got 4/,
    );
    await connect('n', { ordinal: 5 });
    await connect('n', { ordinal: 0 });
    await expect(connect('n', { ordinal: 4 })).rejects.toThrow(/^stale_connect/);
    expect(states()).toEqual(['n connected']);
  });

  it('D-18 supersedes the one before, who is told so and may not come back by itself', async () => {
    const first = await connect('n');
    const second = await connect('n');
    expect(first.wire.byes).toEqual(['superseded false']);
    expect(first.wire.ended).toBe('shutdown: superseded');
    expect(second.wire.byes).toEqual([]);
    expect(counts()).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });

  it('leaves one session when ten come at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => virtual.connect('n')));
    await settle();
    const wires = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.wire] : []));
    expect(wires.filter(({ ended }) => ended === undefined)).toHaveLength(1);
    expect(wires.flatMap(({ byes }) => byes)).toEqual(Array(wires.length - 1).fill('superseded false'));
    expect(states()).toEqual(['n connected']);
    expect(counts()).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });
});

describe('a client manager that crashes', () => {
  it('D-9 L12 is told anew of everybody who is alive', async () => {
    await connect('a', { endpoint: 'east' });
    const b = await connect('b');
    const before = virtual.gateway.clients.getClientStream('a');
    expect(virtual.kill('client-manager')).toBe(1);
    await settle();
    expect(counts()).toEqual({ clients: 2, clientStreams: 2, streams: 2 });
    expect(virtual.gateway.clients.getClientStream('a') === before).toBe(true);
    expect(virtual.gateway.clients.getStreamByEndpoint('east') === before).toBe(true);
    expect(virtual.gateway.clients.faults()).toEqual([]);
    b.control.peerCancelled();
    await settle();
    expect(counts()).toEqual({ clients: 1, clientStreams: 1, streams: 1 });
  });
});
