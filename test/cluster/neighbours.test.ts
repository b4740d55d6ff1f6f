/** Services and topics across gateways that share an engine, over real sockets: in memory, and on a real NATS server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, RequestAnswer } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { packParts, unpackParts } from '../../src/cluster/parts.js';
import type { SluiceGateway } from '../../src/create-gateway.js';
import { realClock } from '../../src/otp/clock.js';
import { NatsServer, natsMissing } from './nats-server.js';
import { Talker } from './talker.js';
import { type Pair, startPair } from './two-gateways.js';

const until = async (what: () => unknown): Promise<void> => {
  for (let n = 0; n < 1_000; n += 1) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it has not come: ${what}`);
};

interface Setting {
  open(node: string): Promise<Engine>;
  close(): Promise<void>;
}

const missing = natsMissing();
let server: NatsServer | undefined;
let prefixes = 0;

const inMemory = (): Setting => {
  const hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
  return { open: async () => hub.connect(), close: async () => hub.close() };
};
const onNats = (): Setting => {
  prefixes += 1;
  const prefix = `neighbours-${prefixes}`;
  const servers = [(server as NatsServer).url];
  const common = { servers, prefix, replicas: 1, storage: 'file' as const, eraBump: 0, ttlMs: 12_000, answerMs: 1_500 };
  return { open: (node) => openNatsEngine({ ...common, node }), close: async () => {} };
};

describe.each([
  ['in memory', inMemory, undefined],
  [`on NATS${missing === undefined ? '' : `: ${missing}`}`, onNats, missing],
])('two gateways that share an engine %s', (_name, settingOf, absent) => {
  describe.skipIf(absent)('and what their clients say to each other', () => {
    let setting: Setting;
    let pair: Pair;
    let north: SluiceGateway;
    let south: SluiceGateway;
    const engines = new Map<string, Engine>();
    const talkers: Talker[] = [];
    const talker = async (gateway: SluiceGateway, nodeId: string): Promise<Talker> => {
      const one = new Talker(gateway.addresses.grpc as string, nodeId);
      talkers.push(one);
      await one.inEffect();
      return one;
    };
    const knows = (gateway: SluiceGateway, procedure: string): Promise<void> =>
      until(() => [...gateway.services.providersOf(procedure)].some(({ neighbour }) => neighbour));

    beforeAll(async () => {
      if (absent === undefined && settingOf === onNats) server = await NatsServer.start();
    });
    afterAll(async () => {
      await server?.remove();
      server = undefined;
    });

    beforeEach(async () => {
      setting = settingOf();
      const engine = (node: string) => async () => {
        const opened = await setting.open(node);
        engines.set(node, opened);
        return opened;
      };
      pair = await startPair(engine);
      [north, south] = pair.gateways;
    });

    afterEach(async () => {
      for (const one of talkers.splice(0)) one.close();
      await pair.stop();
      await setting.close();
      expect(north.census()).toEqual({});
      expect(south.census()).toEqual({});
    });

    it('M-G16 a procedure that a client provides there is found and called from here, with what it answers', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('echo', (text) => `south says ${text}`);
      await ann.provide('angry', () => Object.assign(new Error('not today'), { name: 'no_mood' }));
      await knows(north, 'echo');
      await knows(north, 'angry');
      const bob = await talker(north, 'bob');
      expect(await bob.call('echo', 'hello')).toBe('south says hello');
      expect(await bob.refusal('angry')).toBe('no_mood: not today');
      expect(await bob.refusal('nothing')).toMatch(/^not_found/);
    });

    it('one that is withdrawn there is known here no more', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('echo', () => 'south');
      await knows(north, 'echo');
      await ann.withdraw('echo');
      await until(() => [...north.services.providersOf('echo')].length === 0);
    });

    it('what a gateway has of its neighbours it does not offer on: a question goes no further than one', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('echo', () => 'south');
      await knows(north, 'echo');
      expect(north.services.ownProcedures()).toEqual([]);
      // North's own provider and its neighbour take turns; south asks north's own only.
      const bob = await talker(north, 'bob');
      await bob.provide('echo', () => 'north');
      await knows(south, 'echo');
      const answers = [];
      for (let n = 0; n < 4; n += 1) answers.push(await bob.call('echo'));
      expect(answers.sort()).toEqual(['north', 'north', 'south', 'south']);
      expect([ann.asked, bob.asked]).toEqual([2, 2]);
    });

    it('a question of another gateway is put to own clients only, and never back', async () => {
      const bob = await talker(north, 'bob');
      await bob.provide('echo', () => 'north');
      await knows(south, 'echo');
      const question = packParts({ from: 'north', procedure: 'echo', timeoutMs: 2_000 }, new Uint8Array());
      const answer = await new Promise<RequestAnswer>((resolve) =>
        north.cluster?.call('south', 'ask', question, 2_000, resolve),
      );
      expect(answer.type === 'answered' ? unpackParts(answer.body).head : answer).toEqual({ type: 'refused' });
      expect(bob.asked).toBe(0);
    });

    it('a provider there that has ended is passed over for one here, and where there is none the caller is told at once', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('echo', () => 'south');
      await ann.provide('lonely', () => 'south');
      await knows(north, 'lonely');
      const bob = await talker(north, 'bob');
      await bob.provide('echo', () => 'north');
      // South goes without a word: its engine is shut, its lease stands.
      await engines.get('south')?.close();
      for (let n = 0; n < 4; n += 1) expect(await bob.call('echo')).toBe('north');
      const beganMs = performance.now();
      // Told by its neighbour, or not even known any more.
      expect(await bob.refusal('lonely', 4_000)).toMatch(/^(provider_down|not_found)/);
      expect(performance.now() - beganMs).toBeLessThan(3_000);
    });

    it('a node that falls silent while it is asked is DOWN with noconnection, and so is the call', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('hang', () => undefined);
      await knows(north, 'hang');
      const bob = await talker(north, 'bob');
      const downs: string[] = [];
      north.on('*', ({ type, actor, reason }) => {
        if (actor.includes('neighbour:')) downs.push(`${type} ${actor} ${reason}`);
      });
      const refusal = bob.refusal('hang', 30_000);
      await until(() => ann.asked === 1);
      await engines.get('south')?.close();
      expect(await refusal).toMatch(/^provider_down/);
      expect(downs.join('\n')).toContain('noconnection');
    });

    it('one that never answers is a timeout, when its time is over and not before', async () => {
      const ann = await talker(south, 'ann');
      await ann.provide('hang', () => undefined);
      await knows(north, 'hang');
      const bob = await talker(north, 'bob');
      const beganMs = performance.now();
      expect(await bob.refusal('hang', 300)).toMatch(/^timeout/);
      expect(performance.now() - beganMs).toBeGreaterThan(280);
      await until(() => south.resources().calls === 0);
    });

    it('M-G14 a publication reaches subscribers on both, each of them once, its publisher too', async () => {
      const [ann, bob] = [await talker(south, 'ann'), await talker(north, 'bob')];
      for (const one of [ann, bob]) {
        await one.subscribe('news.*');
        await one.subscribe('**');
      }
      await until(() => north.cluster?.members().length === 2 && south.cluster?.members().length === 2);
      await until(() => north.neighbours.length === 1 && south.neighbours.length === 1);
      await bob.publish('news.sport', '1:0');
      await bob.publish('weather', 'sun');
      await until(() => ann.events.length >= 2);
      await ann.publish('news.late', 'good night');
      await until(() => bob.events.length >= 3);
      const all = ['news.sport=1:0', 'weather=sun', 'news.late=good night'];
      expect([ann.events, bob.events]).toEqual([all, all]);
    });
  });
});
