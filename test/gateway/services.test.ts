/** The service desk on virtual time, and its table against a naive one. The numbers are those of the Erlang gateway's own tests. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { janitorLogic } from '../../src/gateway/janitor.js';
import { ServiceTable } from '../../src/gateway/service-table.js';
import { type Provider, type Registered, Services, servicesLogic } from '../../src/gateway/services.js';
import { town } from './town.js';

async function serviceTown({ servicesMax = 100 } = {}) {
  const declared: Registered[] = [];
  const place = await town((desk) => ({
    janitor: {
      logic: janitorLogic,
      input: () => ({
        sweepMs: 60_000,
        sweep: () => ({ services: new Services(() => desk('services').process).sweep() }),
      }),
    },
    services: {
      logic: servicesLogic,
      input: () => ({ servicesMax, ttlMs: 300_000, adopt: () => declared }),
    },
  }));
  const services = new Services(() => place.desk('services').process);
  const provider = async (name: string) => {
    const expired: string[] = [];
    const ref = await place.born(name);
    return {
      ref,
      nodeId: name,
      port: undefined,
      expired: (procedure: string) => void expired.push(procedure),
      gone: expired,
    };
  };
  const named = (procedure: string) => [...services.providersOf(procedure)].map(({ nodeId }) => nodeId);
  return { place, services, provider, declared, named };
}

describe('a service desk', () => {
  it('M-G1 M-R1 M-R2 M-R3 M-R4 M-R14 starts empty, lists nothing, and stops leaving nothing', async () => {
    const { services, place } = await serviceTown();
    expect(services.views()).toEqual([]);
    expect(services.counts).toEqual({ services: 0, providers: 0 });
    expect(place.monitors).toBe(0);
  });

  it('M-G2 M-G3 M-R5 keeps who provides a procedure, several of them', async () => {
    const { services, provider, named } = await serviceTown();
    services.register(await provider('ann'), 'add');
    services.register(await provider('bob'), 'add');
    expect(named('add')).toEqual(['ann', 'bob']);
    expect(named('subtract')).toEqual([]);
  });

  it('M-R6 M-R17 forgets a provider that was killed at once, and lists nothing then', async () => {
    const { services, provider, named, place } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add');
    services.register(ann, 'subtract');
    place.dies(ann.ref);
    expect(named('add')).toEqual([]);
    expect(services.views()).toEqual([]);
    expect(services.counts).toEqual({ services: 0, providers: 0 });
  });

  it('M-R7 replaces a registration that comes again', async () => {
    const { services, provider, named, place } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add', 1_000);
    services.register(ann, 'add', 5_000);
    expect(named('add')).toEqual(['ann']);
    expect(services.views()).toMatchObject([{ id: 'add@ann', ttlMs: 5_000, state: 'absent' }]);
    expect(place.monitors).toBe(1);
  });

  it('M-G4 M-R8 M-R9 takes a withdrawal, twice too, and drops its monitor with the last', async () => {
    const { services, provider, named, place } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add');
    services.register(ann, 'subtract');
    services.unregister(ann.ref, 'add');
    expect([named('add'), named('subtract'), place.monitors]).toEqual([[], ['ann'], 1]);
    services.unregister(ann.ref, 'subtract');
    services.unregister(ann.ref, 'subtract');
    expect([named('subtract'), place.monitors]).toEqual([[], 0]);
  });

  it('M-G5 M-R15 lists two', async () => {
    const { services, provider } = await serviceTown();
    services.register(await provider('ann'), 'add');
    services.register(await provider('bob'), 'subtract');
    expect(services.views().map(({ id }) => id)).toEqual(['add@ann', 'subtract@bob']);
  });

  it('M-R16 takes twenty registrations at once', async () => {
    const { services, provider, named } = await serviceTown();
    const providers = await Promise.all(Array.from({ length: 20 }, (_, i) => provider(`p${i}`)));
    await Promise.all(providers.map(async (one) => services.register(one, 'add')));
    expect(named('add')).toHaveLength(20);
  });

  it('M-G1 refuses more than its limit, and never one that is known', async () => {
    const { services, provider } = await serviceTown({ servicesMax: 2 });
    const ann = await provider('ann');
    expect([services.register(ann, 'a'), services.register(ann, 'b'), services.register(ann, 'c')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(services.register(ann, 'a', 1)).toBe(true);
    expect(services.register(await provider('bob'), 'a')).toBe(false);
    services.unregister(ann.ref, 'b');
    expect(services.register(ann, 'c')).toBe(true);
  });

  it('S3-21 sweeps every 60 s what nobody used for 300 s, and tells the provider', async () => {
    const { services, provider, place, named } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add');
    place.clock.advance(299_999);
    expect(named('add')).toEqual(['ann']);
    place.clock.advance(1);
    expect([named('add'), services.counts.services, ann.gone]).toEqual([[], 0, ['add']]);
    expect(place.monitors).toBe(0);
  });

  it('tells a provider of every registration that is over, also when that were its last ones', async () => {
    const { services, provider, place } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add');
    services.register(ann, 'sort');
    place.clock.advance(300_000);
    expect(ann.gone).toEqual(['add', 'sort']);
    expect(place.monitors).toBe(0);
  });

  it('S3-21 takes the time to live of a registration before its own', async () => {
    const { services, provider, place, named } = await serviceTown();
    services.register(await provider('ann'), 'add', 10_000);
    place.clock.advance(10_000);
    expect(named('add')).toEqual([]);
    expect(services.counts.services).toBe(1);
    place.clock.advance(50_000);
    expect(services.counts.services).toBe(0);
  });

  it('M-G13 sweeps when it is told to, counts what that was, and leaves what has time', async () => {
    const { services, provider, place, named } = await serviceTown();
    services.register(await provider('ann'), 'add', 1);
    services.register(await provider('bob'), 'add', 10_000);
    expect(services.sweep()).toBe(0);
    place.clock.advance(1);
    expect(services.sweep()).toBe(1);
    expect(named('add')).toEqual(['bob']);
    expect(services.sweep()).toBe(0);
  });

  it('L13 keeps a service that is used, and one whose provider is heard, however old they are', async () => {
    const { services, provider, place, named } = await serviceTown();
    const [used, heard, idle] = [await provider('used'), await provider('heard'), await provider('idle')];
    for (const one of [used, heard, idle]) services.register(one, 'add');
    for (let minute = 0; minute < 20; minute += 1) {
      place.clock.advance(60_000);
      services.used(used.ref, 'add');
      services.heard(heard.ref);
    }
    expect(named('add').sort()).toEqual(['heard', 'used']);
  });

  it('gives turns: who was asked goes last', async () => {
    const { services, provider, named } = await serviceTown();
    const people = [await provider('ann'), await provider('bob'), await provider('cy')];
    for (const one of people) services.register(one, 'add');
    services.used((people[0] as Provider).ref, 'add');
    expect(named('add')).toEqual(['bob', 'cy', 'ann']);
  });

  it('is told anew of every registration after a crash of its own', async () => {
    const { services, provider, declared, place, named } = await serviceTown();
    const ann = await provider('ann');
    services.register(ann, 'add', 5_000);
    declared.push({ provider: ann, procedure: 'add', ttlMs: 5_000 });
    place.crash('services');
    expect(named('add')).toEqual(['ann']);
    expect(place.monitors).toBe(1);
    place.dies(ann.ref);
    expect(services.counts).toEqual({ services: 0, providers: 0 });
  });
});

describe('a service table', () => {
  it('agrees with a list of registrations, whatever happens to it', () => {
    const names = fc.constantFrom('ann', 'bob', 'cy');
    const procedures = fc.constantFrom('add', 'sub');
    const step = fc.oneof(
      fc.record({ type: fc.constant('register' as const), who: names, what: procedures, ttl: fc.constantFrom(10, 30) }),
      fc.record({ type: fc.constant('unregister' as const), who: names, what: procedures }),
      fc.record({ type: fc.constant('used' as const), who: names, what: procedures }),
      fc.record({ type: fc.constant('heard' as const), who: names }),
      fc.record({ type: fc.constant('forget' as const), who: names }),
      fc.record({ type: fc.constant('sweep' as const) }),
      fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }),
    );
    const servicesMax = 4;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new ServiceTable<string>(servicesMax);
        let list: { who: string; what: string; ttl: number; atMs: number }[] = [];
        let nowMs = 0;
        for (const each of steps) {
          switch (each.type) {
            case 'register': {
              const { who, what, ttl } = each;
              const at = list.findIndex((one) => one.who === who && one.what === what);
              const room = at >= 0 || list.length < servicesMax;
              expect(table.register(who, what, ttl, nowMs)).toBe(room);
              if (at >= 0) list[at] = { who, what, ttl, atMs: nowMs };
              else if (room) list.push({ who, what, ttl, atMs: nowMs });
              break;
            }
            case 'unregister':
              table.unregister(each.who, each.what);
              list = list.filter(({ who, what }) => who !== each.who || what !== each.what);
              break;
            case 'used': {
              table.used(each.who, each.what, nowMs);
              const at = list.findIndex(({ who, what }) => who === each.who && what === each.what);
              if (at >= 0) list.push({ ...(list.splice(at, 1)[0] as (typeof list)[number]), atMs: nowMs });
              break;
            }
            case 'heard':
              table.heard(each.who, nowMs);
              for (const one of list) if (one.who === each.who) one.atMs = nowMs;
              break;
            case 'forget':
              table.forget(each.who);
              list = list.filter(({ who }) => who !== each.who);
              break;
            case 'sweep':
              table.sweep(nowMs);
              list = list.filter(({ ttl, atMs }) => atMs + ttl > nowMs);
              break;
            case 'wait':
              nowMs += each.ms;
              break;
          }
          expect(table.size).toBe(list.length);
          expect(table.providers).toBe(new Set(list.map(({ who }) => who)).size);
          for (const procedure of ['add', 'sub']) {
            const expected = list.filter(({ what, ttl, atMs }) => what === procedure && atMs + ttl > nowMs);
            expect([...table.providersOf(procedure, nowMs)]).toEqual(expected.map(({ who }) => who));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
