/** What a gateway publishes on Node's diagnostics channels. */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIAGNOSTICS_CHANNELS, publishDiagnostics } from '../../src/gateway/diagnostics.js';
import { WholeGateway } from './whole-gateway.js';

type Said = Readonly<Record<string, unknown>> & { readonly channel: string };

let whole: WholeGateway;
let stop: () => void;
let said: Said[];
const undo: (() => void)[] = [];

function listen(name: string): void {
  const heard = (message: unknown): void => void said.push({ channel: name, ...(message as object) });
  subscribe(name, heard);
  undo.push(() => unsubscribe(name, heard));
}

beforeEach(async () => {
  said = [];
  whole = await WholeGateway.start();
  stop = publishDiagnostics(whole.system, whole.gateway.telemetry, 'here');
});

afterEach(async () => {
  stop();
  for (const one of undo.splice(0)) one();
  await whole.stop();
});

const on = (name: string) => said.filter((one) => one.channel === name);

describe('the diagnostics of a gateway', () => {
  it('E-e tell of actors that start, end and are started again, with reasons', async () => {
    for (const name of DIAGNOSTICS_CHANNELS) listen(name);
    await whole.kill('sluice/cameras/camera:front');
    await whole.pass(100);
    const id = 'sluice/cameras/camera:front';
    expect(on('sluice:actor.down')).toContainEqual(
      expect.objectContaining({ node: 'here', id, kind: 'camera', reason: 'killed' }),
    );
    expect(on('sluice:actor.stop').filter((one) => one['id'] === id)).toEqual([]);
    expect(on('sluice:actor.start')).toContainEqual(expect.objectContaining({ id, kind: 'camera' }));
    expect(on('sluice:actor.restart')).toContainEqual(
      expect.objectContaining({ id, restarts: 1, reason: 'killed', supervisor: 'sluice/cameras' }),
    );
  });

  it('E-e tell of streams: whose, how long, and what went through', async () => {
    listen('sluice:stream.start');
    listen('sluice:stream.end');
    await whole.hello('robot');
    const { call } = await whole.watch('robot');
    await whole.pass(1_000);
    call.peerCancelled();
    await whole.settle();
    const viewers = (name: string) => on(name).filter(({ stream }) => stream === 'watch');
    expect(viewers('sluice:stream.start')).toEqual([expect.objectContaining({ nodeId: 'robot' })]);
    const [end] = viewers('sluice:stream.end');
    expect(end).toMatchObject({ nodeId: 'robot', reason: 'shutdown: cancelled', seconds: 1 });
    const traffic = end?.['traffic'] as { framesOut: number; bytesOut: number };
    expect(traffic.framesOut).toBeGreaterThan(3);
    expect(traffic.bytesOut).toBeGreaterThan(traffic.framesOut * 500);
  });

  it('E-e tell of clients that are welcomed and refused', async () => {
    listen('sluice:client.welcome');
    listen('sluice:client.refuse');
    await whole.hello('robot');
    await expect(whole.hello('robot', { resumeToken: 'made-up' })).rejects.toThrow('unauthenticated');
    expect(on('sluice:client.welcome')).toEqual([expect.objectContaining({ nodeId: 'robot', resuming: false })]);
    expect(on('sluice:client.refuse')).toEqual([expect.objectContaining({ code: 'unauthenticated', resuming: true })]);
  });

  it('make no message while nobody subscribes', async () => {
    await whole.hello('robot');
    for (const name of DIAGNOSTICS_CHANNELS) expect(channel(name).hasSubscribers).toBe(false);
    expect(said).toEqual([]);
  });

  it('E-e are documented where they are told, each of them', () => {
    const source = readFileSync(new URL('../../src/gateway/diagnostics.ts', import.meta.url), 'utf8');
    const documented = [...source.matchAll(/^ \* \| `(sluice:[\w.]+)`/gm)].map(([, name]) => name);
    const told = [...source.matchAll(/\bchannel\('(sluice:[\w.]+)'\)/g)].map(([, name]) => name);
    expect(documented.sort()).toEqual([...DIAGNOSTICS_CHANNELS].sort());
    expect(told.sort()).toEqual([...DIAGNOSTICS_CHANNELS].sort());
  });
});
