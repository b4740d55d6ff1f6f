/** What a host registers directly, for actors of a tree of its own: it stands as long as they do, whatever becomes of the desk. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostServices } from '../../src/gateway/host-services.js';
import type { Provider } from '../../src/gateway/services.js';
import { type Application, assertNoLeaks, exit, fromProcess, startApplication } from '../../src/otp/index.js';
import type { Process } from '../../src/otp/process.js';
import { WholeGateway } from './whole-gateway.js';

const TTL_MS = 300_000;

let whole: WholeGateway;
let host: Application;
let services: HostServices;
let worker: Process;
let expired: string[];
let provider: Provider;

beforeEach(async () => {
  whole = await WholeGateway.start();
  services = whole.gateway.board.hostServices;
  const logic = fromProcess<undefined>(() => ({}), { kind: 'worker' });
  const children = [{ id: 'worker', restart: 'temporary' as const, start: { logic } }];
  host = await startApplication('host', { children }, { clock: whole.clock });
  worker = [...host.system.processes].find(({ id }) => id === 'worker') as Process;
  expired = [];
  provider = {
    ref: worker.ref,
    nodeId: 'host',
    port: undefined,
    expired: (procedure) => void expired.push(procedure),
  };
});

afterEach(async () => {
  await host.stop();
  assertNoLeaks(host.system);
  await whole.stop();
});

const named = (): string[] => services.views().map(({ id }) => id);
const crashDesk = (): Promise<void> => whole.kill('sluice/core/services').then(() => {});

describe('a service that a host registered directly', () => {
  it('L12 stands over the crash of the service desk', async () => {
    services.register(provider, 'add');
    await crashDesk();
    expect(named()).toEqual(['add@host']);
    expect(services.proceduresOf(worker.ref)).toEqual(['add']);
  });

  it('stands beside those of clients, who register the same', async () => {
    services.register(provider, 'add');
    const { control } = await whole.hello('ann');
    control.register('add', 0);
    await crashDesk();
    expect(named().sort()).toEqual(['add@ann', 'add@host']);
  });

  it('was withdrawn before the crash, and is not there after it', async () => {
    services.register(provider, 'add');
    services.register(provider, 'sort');
    services.unregister(worker.ref, 'add');
    await crashDesk();
    expect(named()).toEqual(['sort@host']);
  });

  it('is gone with its actor, whether a desk is there to hear of its end or not', async () => {
    services.register(provider, 'add');
    exit(worker.ref, 'kill');
    host.system.flush();
    await crashDesk();
    expect(named()).toEqual([]);
  });

  it('is over after its time, is told so, and does not come back with the next desk', async () => {
    services.register(provider, 'add');
    await crashDesk();
    await whole.pass(TTL_MS + 60_000);
    expect(expired).toEqual(['add']);
    await crashDesk();
    expect(named()).toEqual([]);
  });
});
