/**
 * What every engine has to do with records, case by case. One suite for all editions: what is true in memory and not over the
 * network would be true of the simulation only.
 */
import { describe, expect, it } from 'vitest';
import type { Bucket, Engine, Entry } from '../../src/cluster/engine.js';
import { Asking, LEASE_MS, type OpenBoth, valueRead, written } from './asking.js';
import { messagesContract } from './messages-contract.js';

export function engineContract(name: string, open: OpenBoth): void {
  describe(`the engine "${name}"`, () => {
    const asking = new Asking(open);

    describe('a record', () => {
      it('is not there before it is written', async () => {
        expect(await asking.get(asking.a, 'k')).toEqual({ type: 'read', entry: undefined });
      });

      it('is read by the other node as it was written', async () => {
        const rev = await written(asking.cas(asking.a, 'k', 'one', 0));
        expect(await asking.get(asking.b, 'k')).toEqual({ type: 'read', entry: { key: 'k', value: 'one', rev } });
      });

      it('is written over the revision that stands', async () => {
        const rev = await written(asking.cas(asking.a, 'k', 'one', 0));
        expect(await written(asking.cas(asking.b, 'k', 'two', rev))).toBeGreaterThan(rev);
        expect(valueRead(await asking.get(asking.a, 'k'))).toBe('two');
      });

      it('is not created twice', async () => {
        await written(asking.cas(asking.a, 'k', 'one', 0));
        expect(await asking.cas(asking.b, 'k', 'two', 0)).toEqual({ type: 'conflict' });
        expect(valueRead(await asking.get(asking.b, 'k'))).toBe('one');
      });

      it('is not written over an older revision', async () => {
        const old = await written(asking.cas(asking.a, 'k', 'one', 0));
        await written(asking.cas(asking.a, 'k', 'two', old));
        expect(await asking.cas(asking.b, 'k', 'three', old)).toEqual({ type: 'conflict' });
        expect(valueRead(await asking.get(asking.b, 'k'))).toBe('two');
      });

      it('is not written over a revision that never was', async () => {
        expect(await asking.cas(asking.a, 'k', 'one', 17)).toEqual({ type: 'conflict' });
        expect(valueRead(await asking.get(asking.a, 'k'))).toBeUndefined();
      });

      it('keeps an empty value apart from none', async () => {
        const rev = await written(asking.cas(asking.a, 'k', '', 0));
        expect(valueRead(await asking.get(asking.b, 'k'))).toBe('');
        await written(asking.cas(asking.b, 'k', 'x', rev));
      });

      it('holds 64 KiB', async () => {
        await written(asking.cas(asking.a, 'k', 'x'.repeat(65_536), 0));
        expect(valueRead(await asking.get(asking.b, 'k'))).toHaveLength(65_536);
      });

      it('holds what is not ASCII', async () => {
        await written(asking.cas(asking.a, 'k', 'Grüße 🎥', 0));
        expect(valueRead(await asking.get(asking.b, 'k'))).toBe('Grüße 🎥');
      });

      it.each(['user@example.com', 'a b', 'a.b..c', '*', '>', 'ü/ß', '$x', '=', '_', 'a:b'])(
        'has its own place under the key "%s"',
        async (key) => {
          await written(asking.cas(asking.a, key, 'odd', 0));
          await written(asking.cas(asking.a, 'plain', 'plain', 0));
          expect(await asking.get(asking.b, key)).toMatchObject({ entry: { key, value: 'odd' } });
        },
      );

      it('has nothing to do with one of another bucket', async () => {
        await written(asking.cas(asking.a, 'k', 'owner', 0, 'own'));
        expect(valueRead(await asking.get(asking.a, 'k', 'services'))).toBeUndefined();
        await written(asking.cas(asking.a, 'k', 'service', 0, 'services'));
        expect(valueRead(await asking.get(asking.b, 'k', 'own'))).toBe('owner');
      });

      it('has a revision above that of every earlier write to its bucket', async () => {
        const revs: number[] = [];
        for (const key of ['x', 'y', 'z'])
          revs.push(await written(asking.cas(revs.length % 2 === 0 ? asking.a : asking.b, key, '1', 0)));
        expect(revs).toEqual([...revs].sort((p, q) => p - q));
        expect(new Set(revs).size).toBe(3);
      });

      it('is won by one of two who write at once', async () => {
        const rev = await written(asking.cas(asking.a, 'k', '0', 0));
        const answers = await Promise.all([asking.cas(asking.a, 'k', 'a', rev), asking.cas(asking.b, 'k', 'b', rev)]);
        expect(answers.map(({ type }) => type).sort()).toEqual(['conflict', 'written']);
      });

      it('loses none of the additions of two who try again', async () => {
        const add = async (engine: Engine): Promise<void> => {
          for (;;) {
            const read = await asking.get(engine, 'sum');
            if (read.type === 'unknown') continue;
            const next = String(Number(read.entry?.value ?? 0) + 1);
            const answer = await asking.cas(engine, 'sum', next, read.entry?.rev ?? 0);
            if (answer.type === 'written') return;
          }
        };
        await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? asking.a : asking.b)));
        expect(valueRead(await asking.get(asking.a, 'sum'))).toBe('20');
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
        const rev = await written(asking.cas(asking.a, 'k', 'one', 0));
        const { entries } = watched(asking.b);
        await asking.until(() => entries.length > 0);
        expect(entries).toEqual([{ key: 'k', value: 'one', rev }]);
      });

      it('tells each change of a key in its order', async () => {
        const { values } = watched(asking.b);
        let rev = 0;
        for (let n = 1; n <= 10; n += 1) rev = await written(asking.cas(asking.a, 'k', String(n), rev));
        await asking.until(() => values('k').at(-1) === '10');
        const told = values('k').map(Number);
        expect(told).toEqual([...told].sort((p, q) => p - q));
      });

      it('tells a node its own writes', async () => {
        const { values } = watched(asking.a);
        await written(asking.cas(asking.a, 'k', 'mine', 0));
        expect(await asking.until(() => values('k').at(-1))).toBe('mine');
      });

      it('tells two watchers of one node', async () => {
        const first = watched(asking.a);
        const second = watched(asking.a);
        await written(asking.cas(asking.b, 'k', 'x', 0));
        await asking.until(() => first.values('k').length > 0 && second.values('k').length > 0);
      });

      it('tells keys as they were written', async () => {
        const { entries } = watched(asking.b);
        await written(asking.cas(asking.a, 'user@example.com/ü *', 'x', 0));
        await asking.until(() => entries.length > 0);
        expect(entries[0]?.key).toBe('user@example.com/ü *');
      });

      it('tells nothing of another bucket', async () => {
        const { entries } = watched(asking.b);
        await written(asking.cas(asking.a, 'service', 'x', 0, 'services'));
        await written(asking.cas(asking.a, 'k', 'x', 0));
        await asking.until(() => entries.length > 0);
        expect(entries.map(({ key }) => key)).toEqual(['k']);
      });

      it('tells nothing after it was undone', async () => {
        const gone = watched(asking.b);
        const stays = watched(asking.b);
        gone.undo();
        await written(asking.cas(asking.a, 'k', 'x', 0));
        await asking.until(() => stays.values('k').length > 0);
        expect(gone.entries).toEqual([]);
      });
    });

    describe('a lease', () => {
      it('is forgotten after its time', async () => {
        await written(asking.cas(asking.a, 'node', 'alive', 0, 'nodes'));
        await asking.pass(LEASE_MS / 3);
        expect(valueRead(await asking.get(asking.b, 'node', 'nodes'))).toBe('alive');
        await asking.pass(2 * LEASE_MS);
        expect(valueRead(await asking.get(asking.b, 'node', 'nodes'))).toBeUndefined();
      });

      it('stays while it is renewed', async () => {
        let rev = 0;
        for (let n = 0; n < 6; n += 1) {
          rev = await written(asking.cas(asking.a, 'node', String(n), rev, 'nodes'));
          await asking.pass(LEASE_MS / 3);
        }
        expect(valueRead(await asking.get(asking.b, 'node', 'nodes'))).toBe('5');
      });

      it('is not renewed once it is over', async () => {
        const rev = await written(asking.cas(asking.a, 'node', 'alive', 0, 'nodes'));
        await asking.pass(3 * LEASE_MS);
        expect(await asking.cas(asking.a, 'node', 'alive', rev, 'nodes')).toEqual({ type: 'conflict' });
      });

      it('can be taken anew once it is over', async () => {
        const rev = await written(asking.cas(asking.a, 'node', 'first', 0, 'nodes'));
        await asking.pass(3 * LEASE_MS);
        expect(await written(asking.cas(asking.b, 'node', 'second', 0, 'nodes'))).toBeGreaterThan(rev);
      });

      it('is the only kind of record that is forgotten', async () => {
        await written(asking.cas(asking.a, 'k', 'owner', 0, 'own'));
        await written(asking.cas(asking.a, 'p', 'service', 0, 'services'));
        await asking.pass(3 * LEASE_MS);
        expect(valueRead(await asking.get(asking.b, 'k', 'own'))).toBe('owner');
        expect(valueRead(await asking.get(asking.b, 'p', 'services'))).toBe('service');
      });
    });

    messagesContract(asking);
  });
}
