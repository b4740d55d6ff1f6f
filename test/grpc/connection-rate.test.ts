import { describe, expect, it } from 'vitest';
import { ConnectionRate } from '../../src/grpc/connection-rate.js';
import { serve } from './harness.js';
import { openSocket } from './raw-http2.js';
import { RecordedGateway } from './recorded-gateway.js';

function rateOf(perSecond: number) {
  const clock = { nowMs: 0 };
  const rate = new ConnectionRate(perSecond, () => clock.nowMs);
  const admitted = (address: string, times: number): number =>
    Array.from({ length: times }, () => rate.admit(address)).filter(Boolean).length;
  return { clock, rate, admitted };
}

describe('the rate of new connections of one address', () => {
  it('is a burst of so many, and then so many per second', () => {
    const { clock, admitted } = rateOf(5);
    expect(admitted('10.0.0.1', 20)).toBe(5);
    clock.nowMs = 400;
    expect(admitted('10.0.0.1', 20)).toBe(2);
    clock.nowMs = 10_000;
    expect(admitted('10.0.0.1', 20)).toBe(5);
  });

  it('is that of this address alone, and of IPv6 that of its network', () => {
    const { admitted } = rateOf(2);
    expect(admitted('10.0.0.1', 9)).toBe(2);
    expect(admitted('::ffff:10.0.0.1', 9)).toBe(0);
    expect(admitted('10.0.0.2', 9)).toBe(2);
    expect(admitted('2001:db8:1:2::1', 9)).toBe(2);
    expect(admitted('2001:db8:1:2:ffff:1:2:3', 9)).toBe(0);
    expect(admitted('2001:db8:1:3::1', 9)).toBe(2);
    expect(admitted('::1', 9)).toBe(2);
    expect(admitted('fe80::1%eth0', 9)).toBe(2);
  });

  it('is remembered for a second, and of ten thousand addresses at most', () => {
    const { clock, rate, admitted } = rateOf(1);
    for (let at = 0; at < 30_000; at++) rate.admit(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
    expect(rate.size).toBe(10_000);
    clock.nowMs = 1_000;
    expect(admitted('10.9.9.9', 1)).toBe(1);
    expect(rate.size).toBe(1);
  });
});

describe('a server with a limit of new connections', () => {
  it('closes what is too many at once, says so once, and serves those who are in', async () => {
    const { server, log } = await serve(new RecordedGateway().asGateway(), { connectionsPerSecond: 3 });
    const sockets = await Promise.all(Array.from({ length: 40 }, () => openSocket(server.address)));
    for (const socket of sockets) socket.resume();
    const closed = (): number => sockets.filter(({ destroyed }) => destroyed).length;
    // A second is long for forty connects; a slow machine may let some more in.
    await expect.poll(closed).toBeGreaterThanOrEqual(20);
    expect(closed()).toBeLessThanOrEqual(37);
    expect(log).toHaveLength(1);
    await server.stop(0);
    expect(log).toHaveLength(2);
    expect(log).toEqual([
      { message: REFUSED, fields: { peer: '127.0.0.1', refused: 1 } },
      { message: REFUSED, fields: { peer: '127.0.0.1', refused: expect.any(Number) } },
    ]);
  });
});

const REFUSED = 'gRPC connections were refused: too many from one address';
