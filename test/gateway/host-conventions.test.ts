/** What a host may take for granted of a gateway that it embeds. */
import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, createGateway, type GatewayHostOptions } from '../../src/index.js';

const make = (options: GatewayHostOptions = {}) =>
  createGateway({ grpc: { port: 0 }, http: { port: 0 }, logger: pino({ level: 'silent' }), ...options });

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

describe('a gateway in a process of a host', () => {
  it('E-e listens to no signal of the process, and leaves no listener on an AbortSignal', async () => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
    const listeners = () => signals.map((name) => process.listenerCount(name));
    const before = listeners();
    const abort = new AbortController();
    const gateway = make({ signal: abort.signal });
    await gateway.start();
    expect(listeners()).toEqual(before);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    await gateway.stop({ deadlineMs: 0 });
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    expect(listeners()).toEqual(before);
    expect(gateway.census()).toEqual({});
  });

  it('E-e stops when its AbortSignal is aborted, also when that was so before it started', async () => {
    const abort = new AbortController();
    const gateway = make({ signal: abort.signal });
    await gateway.start();
    abort.abort();
    await gateway.stop();
    expect(gateway.census()).toEqual({});
    const late = make({ signal: AbortSignal.abort() });
    await late.start();
    await late.stop();
    expect(late.census()).toEqual({});
  });

  it('E-e starts and stops once however often it is asked, and at the end of a block', async () => {
    const gateway = make();
    await Promise.all([gateway.start(), gateway.start()]);
    const address = gateway.addresses.http;
    await gateway.start();
    expect(gateway.addresses.http).toBe(address);
    await Promise.all([gateway.stop({ deadlineMs: 0 }), gateway.stop({ deadlineMs: 0 })]);
    await gateway[Symbol.asyncDispose]();
    expect(gateway.census()).toEqual({});
    const inBlock = make();
    await inBlock.start();
    await inBlock[Symbol.asyncDispose]();
    expect(inBlock.census()).toEqual({});
  });

  it('E-e shares nothing with another one beside it', async () => {
    const [one, other] = [make({ node: { id: 'one' } }), make({ node: { id: 'other' } })];
    await Promise.all([one.start(), other.start()]);
    const seen: string[] = [];
    const undo = one.on('*', ({ actor }) => void seen.push(actor));
    await other.stop({ deadlineMs: 0 });
    expect(seen).toEqual([]);
    undo();
    expect(other.census()).toEqual({});
    expect(one.tree().children.length).toBeGreaterThan(0);
    expect((await fetch(`${one.addresses.http}/readyz`)).status).toBe(200);
    await one.stop({ deadlineMs: 0 });
    expect(one.census()).toEqual({});
  });

  it('E-e refuses what is wrong before anything runs, with the name of the field', () => {
    for (const wrong of [{ limits: { clients: -1 } }, { limit: {} }, { grpc: { port: 'x' } }]) {
      expect(() => make(wrong as unknown as GatewayHostOptions)).toThrow(ConfigurationError);
    }
    expect(() => make({ limits: { clients: -1 } })).toThrow(/limits\.clients/);
  });
});

describe('the core', () => {
  it('E-e reads no environment: only commands, and two switches that name programs and parts of others', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('cli'),
    );
    const readers = files.filter((file) => readFileSync(join(SOURCES, file), 'utf8').includes('process.env'));
    expect(readers.sort()).toEqual(['cameras/ffmpeg.ts', 'grpc/grpc-js-internals.ts']);
  });
});
