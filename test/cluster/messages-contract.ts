/** What every engine has to do with messages and questions, and what it says of itself. */
import { describe, expect, it } from 'vitest';
import type { Engine, EngineInfo, RequestAnswer } from '../../src/cluster/engine.js';
import { type Asking, bytes, text, written } from './asking.js';

export function messagesContract(asking: Asking): void {
  describe('a message', () => {
    const heard = (engine: Engine, subject: string) => {
      const messages: string[] = [];
      const undo = engine.subscribe(subject, (body, at) => messages.push(`${at}: ${text(body)}`));
      return { messages, undo };
    };

    it('reaches all who listen, the sender too', async () => {
      const one = heard(asking.a, 'news');
      const two = heard(asking.b, 'news');
      await asking.pass(50);
      asking.a.publish('news', bytes('hello'));
      await asking.until(() => one.messages.length > 0 && two.messages.length > 0);
      expect([...one.messages, ...two.messages]).toEqual(['news: hello', 'news: hello']);
    });

    it('reaches nobody under another subject', async () => {
      const other = heard(asking.b, 'other');
      const news = heard(asking.b, 'news');
      await asking.pass(50);
      asking.a.publish('news', bytes('x'));
      await asking.until(() => news.messages.length > 0);
      expect(other.messages).toEqual([]);
    });

    it('is heard under a subject that ends in a star, one word long', async () => {
      const stars = heard(asking.b, 'heartbeat.*');
      await asking.pass(50);
      asking.a.publish('heartbeat.one', bytes('1'));
      asking.a.publish('heartbeat.two.three', bytes('2'));
      asking.a.publish('heartbeat.four', bytes('4'));
      await asking.until(() => stars.messages.length >= 2);
      expect(stars.messages.sort()).toEqual(['heartbeat.four: 4', 'heartbeat.one: 1']);
    });

    it('carries any bytes', async () => {
      const bodies: Uint8Array[] = [];
      asking.b.subscribe('raw', (body) => bodies.push(Uint8Array.from(body)));
      await asking.pass(50);
      const sent = Uint8Array.from({ length: 256 }, (_, n) => n);
      asking.a.publish('raw', sent);
      await asking.until(() => bodies.length > 0);
      expect(bodies[0]).toEqual(sent);
    });

    it('is not heard after the undo', async () => {
      const gone = heard(asking.b, 'news');
      const stays = heard(asking.b, 'news');
      gone.undo();
      await asking.pass(50);
      asking.a.publish('news', bytes('x'));
      await asking.until(() => stays.messages.length > 0);
      expect(gone.messages).toEqual([]);
    });
  });

  describe('a question', () => {
    it('is answered by the other node', async () => {
      asking.b.serve('echo', (body, reply) => reply(bytes(`${text(body)}!`)));
      await asking.pass(50);
      const answer = await asking.request(asking.a, 'echo', bytes('hello'));
      expect(answer.type === 'answered' && text(answer.body)).toBe('hello!');
    });

    it('that nobody answers is over at once', async () => {
      expect(await asking.request(asking.a, 'nobody', bytes(''), 60_000)).toEqual({ type: 'no_responders' });
    });

    it('that is not answered in time has an unknown outcome', async () => {
      asking.b.serve('mute', () => {});
      await asking.pass(50);
      expect(await asking.request(asking.a, 'mute', bytes(''), 100)).toMatchObject({ type: 'unknown' });
    });

    it('has nobody to answer after the undo', async () => {
      const undo = asking.b.serve('echo', (body, reply) => reply(body));
      await asking.pass(50);
      undo();
      await asking.pass(50);
      expect(await asking.request(asking.a, 'echo', bytes('x'))).toEqual({ type: 'no_responders' });
    });

    it('is answered once, whatever is replied', async () => {
      asking.b.serve('twice', (_body, reply) => {
        reply(bytes('first'));
        reply(bytes('second'));
      });
      await asking.pass(50);
      const answers: RequestAnswer[] = [];
      asking.a.request('twice', bytes(''), 500, (answer) => answers.push(answer));
      await asking.until(() => answers.length > 0);
      await asking.pass(100);
      expect(answers.map((one) => one.type === 'answered' && text(one.body))).toEqual(['first']);
    });

    it('is told from a hundred others at once', async () => {
      asking.b.serve('echo', (body, reply) => reply(body));
      await asking.pass(50);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => asking.request(asking.a, 'echo', bytes(String(n)), 5_000)),
      );
      expect(answers.map((one) => one.type === 'answered' && Number(text(one.body)))).toEqual(
        Array.from({ length: 100 }, (_, n) => n),
      );
    });
  });

  describe('an engine', () => {
    it('is in the same era for all', async () => {
      const [one, two] = await Promise.all([asking.info(asking.a), asking.info(asking.b)]);
      expect(one).toMatchObject({ type: 'info', era: expect.any(Number) });
      expect((two as EngineInfo).era).toBe((one as EngineInfo).era);
    });

    it('says which write to the owners was the last', async () => {
      const rev = await written(asking.cas(asking.a, 'k', 'x', 0));
      expect(await asking.info(asking.b)).toMatchObject({ lastRev: rev });
    });

    it('answers nothing after it was closed', async () => {
      await asking.b.close();
      let answered = false;
      asking.b.get('own', 'k', () => {
        answered = true;
      });
      await asking.pass(100);
      expect(answered).toBe(false);
      await written(asking.cas(asking.a, 'k', 'x', 0));
    });
  });
}
