/**
 * What every engine has to do, case by case. One suite for all editions: what is true in memory and not over the network would
 * be true of the simulation only.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Bucket,
  CasAnswer,
  Engine,
  EngineInfo,
  Entry,
  GetAnswer,
  RequestAnswer,
  Unknown,
} from '../../src/cluster/engine.js';

export interface OpenEngines {
  /** Two nodes of one engine. */
  readonly a: Engine;
  readonly b: Engine;
  /** Lets so much of the engine's time pass. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** The lease time that the engines of a test have to be opened with. */
export const LEASE_MS = 1_000;

export function engineContract(name: string, open: () => Promise<OpenEngines>): void {
  describe(`the engine "${name}"`, () => {
    let engines: OpenEngines;
    let a: Engine;
    let b: Engine;

    beforeEach(async () => {
      engines = await open();
      ({ a, b } = engines);
    });
    afterEach(() => engines.close());

    const until = async <T>(what: () => T | undefined | false): Promise<T> => {
      for (let n = 0; n < 1_000; n += 1) {
        const value = what();
        if (value !== undefined && value !== false) return value;
        await engines.pass(n < 50 ? 1 : 10);
      }
      throw new Error('it has not come');
    };
    const answerOf = async <A>(ask: (done: (answer: A) => void) => void): Promise<A> => {
      let answer: { readonly value: A } | undefined;
      ask((value) => {
        answer = { value };
      });
      return (await until(() => answer)).value;
    };
    const get = (engine: Engine, key: string, bucket: Bucket = 'own'): Promise<GetAnswer> =>
      answerOf((done) => engine.get(bucket, key, done));
    const cas = (engine: Engine, key: string, value: string, rev: number, bucket: Bucket = 'own'): Promise<CasAnswer> =>
      answerOf((done) => engine.cas(bucket, key, value, rev, done));
    const info = (engine: Engine): Promise<EngineInfo | Unknown> => answerOf((done) => engine.info(done));
    const request = (engine: Engine, subject: string, body: Uint8Array, timeoutMs = 500): Promise<RequestAnswer> =>
      answerOf((done) => engine.request(subject, body, timeoutMs, done));
    const written = async (answer: Promise<CasAnswer>): Promise<number> => {
      const got = await answer;
      if (got.type !== 'written') throw new Error(`not written: ${JSON.stringify(got)}`);
      return got.rev;
    };
    const valueRead = (answer: GetAnswer): string | undefined =>
      answer.type === 'read' ? answer.entry?.value : `unknown: ${answer.why}`;
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const text = (body: Uint8Array): string => new TextDecoder().decode(body);

    describe('a record', () => {
      it('is not there before it is written', async () => {
        expect(await get(a, 'k')).toEqual({ type: 'read', entry: undefined });
      });

      it('is read by the other node as it was written', async () => {
        const rev = await written(cas(a, 'k', 'one', 0));
        expect(await get(b, 'k')).toEqual({ type: 'read', entry: { key: 'k', value: 'one', rev } });
      });

      it('is written over the revision that stands', async () => {
        const rev = await written(cas(a, 'k', 'one', 0));
        expect(await written(cas(b, 'k', 'two', rev))).toBeGreaterThan(rev);
        expect(valueRead(await get(a, 'k'))).toBe('two');
      });

      it('is not created twice', async () => {
        await written(cas(a, 'k', 'one', 0));
        expect(await cas(b, 'k', 'two', 0)).toEqual({ type: 'conflict' });
        expect(valueRead(await get(b, 'k'))).toBe('one');
      });

      it('is not written over an older revision', async () => {
        const old = await written(cas(a, 'k', 'one', 0));
        await written(cas(a, 'k', 'two', old));
        expect(await cas(b, 'k', 'three', old)).toEqual({ type: 'conflict' });
        expect(valueRead(await get(b, 'k'))).toBe('two');
      });

      it('is not written over a revision that never was', async () => {
        expect(await cas(a, 'k', 'one', 17)).toEqual({ type: 'conflict' });
        expect(valueRead(await get(a, 'k'))).toBeUndefined();
      });

      it('keeps an empty value apart from none', async () => {
        const rev = await written(cas(a, 'k', '', 0));
        expect(valueRead(await get(b, 'k'))).toBe('');
        await written(cas(b, 'k', 'x', rev));
      });

      it('holds 64 KiB', async () => {
        await written(cas(a, 'k', 'x'.repeat(65_536), 0));
        expect(valueRead(await get(b, 'k'))).toHaveLength(65_536);
      });

      it('holds what is not ASCII', async () => {
        await written(cas(a, 'k', 'Grüße 🎥', 0));
        expect(valueRead(await get(b, 'k'))).toBe('Grüße 🎥');
      });

      it.each(['user@example.com', 'a b', 'a.b..c', '*', '>', 'ü/ß', '$x', '=', '_', 'a:b'])(
        'has its own place under the key "%s"',
        async (key) => {
          await written(cas(a, key, 'odd', 0));
          await written(cas(a, 'plain', 'plain', 0));
          expect(await get(b, key)).toMatchObject({ entry: { key, value: 'odd' } });
        },
      );

      it('has nothing to do with one of another bucket', async () => {
        await written(cas(a, 'k', 'owner', 0, 'own'));
        expect(valueRead(await get(a, 'k', 'services'))).toBeUndefined();
        await written(cas(a, 'k', 'service', 0, 'services'));
        expect(valueRead(await get(b, 'k', 'own'))).toBe('owner');
      });

      it('has a revision above that of every earlier write to its bucket', async () => {
        const revs: number[] = [];
        for (const key of ['x', 'y', 'z']) revs.push(await written(cas(revs.length % 2 === 0 ? a : b, key, '1', 0)));
        expect(revs).toEqual([...revs].sort((p, q) => p - q));
        expect(new Set(revs).size).toBe(3);
      });

      it('is won by one of two who write at once', async () => {
        const rev = await written(cas(a, 'k', '0', 0));
        const answers = await Promise.all([cas(a, 'k', 'a', rev), cas(b, 'k', 'b', rev)]);
        expect(answers.map(({ type }) => type).sort()).toEqual(['conflict', 'written']);
      });

      it('loses none of the additions of two who try again', async () => {
        const add = async (engine: Engine): Promise<void> => {
          for (;;) {
            const read = await get(engine, 'sum');
            if (read.type === 'unknown') continue;
            const next = String(Number(read.entry?.value ?? 0) + 1);
            const answer = await cas(engine, 'sum', next, read.entry?.rev ?? 0);
            if (answer.type === 'written') return;
          }
        };
        await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? a : b)));
        expect(valueRead(await get(a, 'sum'))).toBe('20');
      });
    });

    describe('a watch', () => {
      const watched = (engine: Engine, bucket: Bucket = 'own') => {
        const entries: Entry[] = [];
        const undo = engine.watch(bucket, (entry) => entries.push(entry));
        return {
          entries,
          undo,
          values: (key: string) => entries.filter((one) => one.key === key).map(({ value }) => value),
        };
      };

      it('tells what is there already', async () => {
        const rev = await written(cas(a, 'k', 'one', 0));
        const { entries } = watched(b);
        await until(() => entries.length > 0);
        expect(entries).toEqual([{ key: 'k', value: 'one', rev }]);
      });

      it('tells each change of a key in its order', async () => {
        const { values } = watched(b);
        let rev = 0;
        for (let n = 1; n <= 10; n += 1) rev = await written(cas(a, 'k', String(n), rev));
        await until(() => values('k').at(-1) === '10');
        const told = values('k').map(Number);
        expect(told).toEqual([...told].sort((p, q) => p - q));
      });

      it('tells a node its own writes', async () => {
        const { values } = watched(a);
        await written(cas(a, 'k', 'mine', 0));
        expect(await until(() => values('k').at(-1))).toBe('mine');
      });

      it('tells two watchers of one node', async () => {
        const first = watched(a);
        const second = watched(a);
        await written(cas(b, 'k', 'x', 0));
        await until(() => first.values('k').length > 0 && second.values('k').length > 0);
      });

      it('tells keys as they were written', async () => {
        const { entries } = watched(b);
        await written(cas(a, 'user@example.com/ü *', 'x', 0));
        await until(() => entries.length > 0);
        expect(entries[0]?.key).toBe('user@example.com/ü *');
      });

      it('tells nothing of another bucket', async () => {
        const { entries } = watched(b);
        await written(cas(a, 'service', 'x', 0, 'services'));
        await written(cas(a, 'k', 'x', 0));
        await until(() => entries.length > 0);
        expect(entries.map(({ key }) => key)).toEqual(['k']);
      });

      it('tells nothing after it was undone', async () => {
        const gone = watched(b);
        const stays = watched(b);
        gone.undo();
        await written(cas(a, 'k', 'x', 0));
        await until(() => stays.values('k').length > 0);
        expect(gone.entries).toEqual([]);
      });
    });

    describe('a lease', () => {
      it('is forgotten after its time', async () => {
        await written(cas(a, 'node', 'alive', 0, 'nodes'));
        await engines.pass(LEASE_MS / 3);
        expect(valueRead(await get(b, 'node', 'nodes'))).toBe('alive');
        await engines.pass(2 * LEASE_MS);
        expect(valueRead(await get(b, 'node', 'nodes'))).toBeUndefined();
      });

      it('stays while it is renewed', async () => {
        let rev = 0;
        for (let n = 0; n < 6; n += 1) {
          rev = await written(cas(a, 'node', String(n), rev, 'nodes'));
          await engines.pass(LEASE_MS / 3);
        }
        expect(valueRead(await get(b, 'node', 'nodes'))).toBe('5');
      });

      it('is not renewed once it is over', async () => {
        const rev = await written(cas(a, 'node', 'alive', 0, 'nodes'));
        await engines.pass(3 * LEASE_MS);
        expect(await cas(a, 'node', 'alive', rev, 'nodes')).toEqual({ type: 'conflict' });
      });

      it('can be taken anew once it is over', async () => {
        const rev = await written(cas(a, 'node', 'first', 0, 'nodes'));
        await engines.pass(3 * LEASE_MS);
        expect(await written(cas(b, 'node', 'second', 0, 'nodes'))).toBeGreaterThan(rev);
      });

      it('is the only kind of record that is forgotten', async () => {
        await written(cas(a, 'k', 'owner', 0, 'own'));
        await written(cas(a, 'p', 'service', 0, 'services'));
        await engines.pass(3 * LEASE_MS);
        expect(valueRead(await get(b, 'k', 'own'))).toBe('owner');
        expect(valueRead(await get(b, 'p', 'services'))).toBe('service');
      });
    });

    describe('a message', () => {
      const heard = (engine: Engine, subject: string) => {
        const messages: string[] = [];
        const undo = engine.subscribe(subject, (body, at) => messages.push(`${at}: ${text(body)}`));
        return { messages, undo };
      };

      it('reaches all who listen, the sender too', async () => {
        const one = heard(a, 'news');
        const two = heard(b, 'news');
        await engines.pass(50);
        a.publish('news', bytes('hello'));
        await until(() => one.messages.length > 0 && two.messages.length > 0);
        expect([...one.messages, ...two.messages]).toEqual(['news: hello', 'news: hello']);
      });

      it('reaches nobody under another subject', async () => {
        const other = heard(b, 'other');
        const news = heard(b, 'news');
        await engines.pass(50);
        a.publish('news', bytes('x'));
        await until(() => news.messages.length > 0);
        expect(other.messages).toEqual([]);
      });

      it('is heard under a subject that ends in a star, one word long', async () => {
        const stars = heard(b, 'heartbeat.*');
        await engines.pass(50);
        a.publish('heartbeat.one', bytes('1'));
        a.publish('heartbeat.two.three', bytes('2'));
        a.publish('heartbeat.four', bytes('4'));
        await until(() => stars.messages.length >= 2);
        expect(stars.messages.sort()).toEqual(['heartbeat.four: 4', 'heartbeat.one: 1']);
      });

      it('carries any bytes', async () => {
        const bodies: Uint8Array[] = [];
        b.subscribe('raw', (body) => bodies.push(Uint8Array.from(body)));
        await engines.pass(50);
        const sent = Uint8Array.from({ length: 256 }, (_, n) => n);
        a.publish('raw', sent);
        await until(() => bodies.length > 0);
        expect(bodies[0]).toEqual(sent);
      });

      it('is not heard after the undo', async () => {
        const gone = heard(b, 'news');
        const stays = heard(b, 'news');
        gone.undo();
        await engines.pass(50);
        a.publish('news', bytes('x'));
        await until(() => stays.messages.length > 0);
        expect(gone.messages).toEqual([]);
      });
    });

    describe('a question', () => {
      it('is answered by the other node', async () => {
        b.serve('echo', (body, reply) => reply(bytes(`${text(body)}!`)));
        await engines.pass(50);
        const answer = await request(a, 'echo', bytes('hello'));
        expect(answer.type === 'answered' && text(answer.body)).toBe('hello!');
      });

      it('that nobody answers is over at once', async () => {
        expect(await request(a, 'nobody', bytes(''), 60_000)).toEqual({ type: 'no_responders' });
      });

      it('that is not answered in time has an unknown outcome', async () => {
        b.serve('mute', () => {});
        await engines.pass(50);
        expect(await request(a, 'mute', bytes(''), 100)).toMatchObject({ type: 'unknown' });
      });

      it('has nobody to answer after the undo', async () => {
        const undo = b.serve('echo', (body, reply) => reply(body));
        await engines.pass(50);
        undo();
        await engines.pass(50);
        expect(await request(a, 'echo', bytes('x'))).toEqual({ type: 'no_responders' });
      });

      it('is answered once, whatever is replied', async () => {
        b.serve('twice', (_body, reply) => {
          reply(bytes('first'));
          reply(bytes('second'));
        });
        await engines.pass(50);
        const answers: RequestAnswer[] = [];
        a.request('twice', bytes(''), 500, (answer) => answers.push(answer));
        await until(() => answers.length > 0);
        await engines.pass(100);
        expect(answers.map((one) => one.type === 'answered' && text(one.body))).toEqual(['first']);
      });

      it('is told from a hundred others at once', async () => {
        b.serve('echo', (body, reply) => reply(body));
        await engines.pass(50);
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, n) => request(a, 'echo', bytes(String(n)), 5_000)),
        );
        expect(answers.map((one) => one.type === 'answered' && Number(text(one.body)))).toEqual(
          Array.from({ length: 100 }, (_, n) => n),
        );
      });
    });

    describe('an engine', () => {
      it('is in the same era for all', async () => {
        const [one, two] = await Promise.all([info(a), info(b)]);
        expect(one).toMatchObject({ type: 'info', era: expect.any(Number) });
        expect((two as EngineInfo).era).toBe((one as EngineInfo).era);
      });

      it('says which write to the owners was the last', async () => {
        const rev = await written(cas(a, 'k', 'x', 0));
        expect(await info(b)).toMatchObject({ lastRev: rev });
      });

      it('answers nothing after it was closed', async () => {
        await b.close();
        let answered = false;
        b.get('own', 'k', () => {
          answered = true;
        });
        await engines.pass(100);
        expect(answered).toBe(false);
        await written(cas(a, 'k', 'x', 0));
      });
    });
  });
}
