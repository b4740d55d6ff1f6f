/**
 * How many new connections one address may open per second. Each address has a bucket of that many, refilled at that rate, so
 * that a burst after a quiet second is fine and a stream of them is not. Addresses are forgotten as soon as their bucket is
 * full again, and there are never more than a fixed number: a stranger with many addresses must not fill our memory.
 */
import { isIPv6 } from 'node:net';

/** With more, the address that was seen the longest ago is forgotten, and begins with a full bucket when it comes again. */
const ADDRESSES_MAX = 10_000;

interface Bucket {
  left: number;
  atMs: number;
}

export class ConnectionRate {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  /** In the order in which they were last seen. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whether this address may open one more now. */
  admit(address: string): boolean {
    const nowMs = this.#nowMs();
    const key = networkOf(address);
    const bucket = this.#buckets.get(key) ?? { left: this.#perSecond, atMs: nowMs };
    bucket.left = Math.min(this.#perSecond, bucket.left + ((nowMs - bucket.atMs) / 1000) * this.#perSecond);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#forget(nowMs);
    this.#buckets.set(key, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** A bucket that was not touched for a second is full. The oldest are at the front. */
  #forget(nowMs: number): void {
    for (const [key, { atMs }] of this.#buckets) {
      if (nowMs - atMs < 1000 && this.#buckets.size < ADDRESSES_MAX) return;
      this.#buckets.delete(key);
    }
  }
}

/** Of IPv6 the network of 64 bits: within it, one machine has as many addresses as it likes. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
