/** How many clients there may be, what a connect costs, and that the parts of the leaks that were found stay closed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { emptyClientManager } from '../../machines/client-manager.js';
import { configure } from '../../src/configuration.js';
import { ClientManager, type ClientManagerInput, clientManagerLogic } from '../../src/gateway/client-manager.js';
import { town } from './town.js';
import { WholeGateway } from './whole-gateway.js';

const input = (clientsMax: number) => (): ClientManagerInput => ({
  clientsMax,
  streamsPerClientMax: 16,
  adopt: () => [],
});

async function managed(clientsMax: number) {
  const place = await town(() => ({ clients: { logic: clientManagerLogic, input: input(clientsMax) } }));
  return { place, manager: new ClientManager(() => place.desk('clients').process) };
}

describe('a gateway with as many clients as it may have', () => {
  it('S3-20 M-C23 M-C24 refuses another, lets those who are here change, and has room again when one goes', async () => {
    expect(configure({}).limits.clients).toBe(10_000);
    const { place, manager } = await managed(3);
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((name) => place.born(name)));
    for (const [ref, nodeId] of [
      [a, 'a'],
      [b, 'b'],
      [c, 'c'],
    ] as const) {
      expect(manager.clientConnected(ref as never, { nodeId })).toBeUndefined();
    }
    expect(manager.clientConnected(d as never, { nodeId: 'd' })).toBe('max_clients_reached');
    expect(manager.counts.clients).toBe(3);
    expect(manager.clientConnected(a as never, { nodeId: 'a', endpoint: 'east' })).toBeUndefined();
    expect(manager.getClientInfo(a as never)).toMatchObject({ endpoint: 'east' });
    expect(manager.counts.clients).toBe(3);
    place.dies(b as never);
    expect(manager.clientConnected(d as never, { nodeId: 'd' })).toBeUndefined();
    expect(manager.counts.clients).toBe(3);
  });

  it('S3-20 refuses a hello, and leaves no session of it', async () => {
    const whole = await WholeGateway.start({ limits: { clients: 1 } });
    try {
      const { control } = await whole.hello('a');
      await expect(whole.hello('b')).rejects.toThrow(/^max_clients_reached/);
      expect(whole.states).toEqual(['a connected']);
      control.bye('done');
      await whole.settle();
      await whole.hello('b');
      expect(whole.states).toEqual(['b connected']);
    } finally {
      await whole.stop();
    }
  });
});

describe('a stream of a client', () => {
  it.each(['cancelled', 'half-closed', 'failed', 'killed', 'left by its client'] as const)(
    'S3-22 is taken out of everything when it is %s',
    async (how) => {
      const whole = await WholeGateway.start();
      try {
        const { control } = await whole.hello('a', { endpoint: 'east' });
        const { call, wire } = await whole.watch('a');
        expect(whole.manager.counts).toEqual({ clients: 1, clientStreams: 1, streams: 2 });
        if (how === 'cancelled') call.peerCancelled();
        else if (how === 'half-closed') control.peerHalfClosed();
        else if (how === 'failed') call.failed(new Error('reset'));
        else if (how === 'killed') await whole.kill(call.id);
        else control.bye('done');
        await whole.settle();
        const clientHere = how === 'cancelled' || how === 'failed' || how === 'killed';
        expect(whole.manager.counts).toEqual(
          clientHere ? { clients: 1, clientStreams: 1, streams: 1 } : { clients: 0, clientStreams: 0, streams: 0 },
        );
        expect(whole.manager.getStreamByEndpoint('east') !== undefined).toBe(clientHere);
        expect(whole.live.streams()).toHaveLength(clientHere ? 1 : 0);
        expect(whole.viewers).toBe(0);
        expect(wire.ends).toHaveLength(1);
        expect(whole.live.resources().orphans).toBe(0);
      } finally {
        await whole.stop();
      }
    },
  );
});

describe('ten thousand connects', () => {
  it('D-32 cost at most 100 µs each in the registry, and the last what the first did', {
    timeout: 120_000,
  }, async () => {
    const [CLIENTS, PART] = [10_000, 1_000];
    const { place, manager } = await managed(CLIENTS);
    const refs = [];
    for (let i = 0; i < CLIENTS; i += 1) refs.push(await place.born(`c${i}`));
    const partUs: number[] = [];
    for (let from = 0; from < CLIENTS; from += PART) {
      const each: number[] = [];
      for (let i = from; i < from + PART; i += 1) {
        const beganAtMs = performance.now();
        manager.clientConnected(refs[i] as never, { nodeId: `n${i}` });
        each.push((performance.now() - beganAtMs) * 1_000);
      }
      partUs.push(each.sort((a, b) => a - b)[PART / 2] as number);
    }
    expect(manager.counts.clients).toBe(CLIENTS);
    console.log(
      `a connect in the registry, median of each thousand: ${partUs.map((us) => us.toFixed(1)).join(', ')} µs`,
    );
    // A median is not moved by a pause of the machine.
    expect(Math.max(...partUs)).toBeLessThan(100);
    // A cost that grew with those who are there would be nine times that of the second thousand in the last.
    expect(partUs.at(-1)).toBeLessThan(5 * (partUs[1] as number) + 1);
  });
});

describe('the header of the client manager', () => {
  const header = /^\/\*\*([\s\S]*?)\*\//.exec(
    readFileSync(new URL('../../machines/client-manager.ts', import.meta.url), 'utf8'),
  )?.[1];
  const indexes = Object.entries(emptyClientManager({ clientsMax: 1, streamsPerClientMax: 1 }))
    .filter(([, value]) => value instanceof Map || value instanceof Set)
    .map(([name]) => name);

  it('S3-29 says of every index what is cleaned when', () => {
    expect(indexes.length).toBeGreaterThanOrEqual(5);
    const when = header?.slice(header.indexOf('What is cleaned when')) ?? '';
    // `clients` is what "a client's entry" is an entry of.
    for (const name of indexes)
      expect(when, name).toMatch(name === 'clients' ? /client's entry/ : new RegExp(`\`${name}\``));
  });
});
