/** The topic desk on virtual time. The numbers are those of the Erlang gateway's own tests. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { type Subscription, type TopicEvent, Topics, topicsLogic } from '../../src/gateway/topics.js';
import { town } from './town.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function topicTown() {
  const declared: Subscription[] = [];
  const place = await town(() => ({ topics: { logic: topicsLogic, input: () => ({ adopt: () => declared }) } }));
  const topics = new Topics(() => place.desk('topics').process);
  const reader = async (name: string) => {
    const ref = await place.born(name);
    const events: TopicEvent[] = [];
    return { ref, events, deliver: (event: TopicEvent) => void events.push(event) };
  };
  return { place, topics, reader, declared };
}

describe('a topic desk', () => {
  it('M-G14 M-P3 M-P4 starts empty, and stops leaving nothing', async () => {
    const { topics, place } = await topicTown();
    expect(topics.counts).toMatchObject({ subscribers: 0, subscriptions: 0, nodes: 1 });
    expect(place.monitors).toBe(0);
  });

  it('M-G14 M-P5 M-P6 keeps what a subscriber subscribes to, several topics of one', async () => {
    const { topics, reader } = await topicTown();
    const ann = await reader('ann');
    topics.subscribe(ann, 'a.b');
    expect(topics.topicsOf(ann.ref)).toEqual(['a.b']);
    topics.subscribe(ann, 'c.*');
    expect(topics.topicsOf(ann.ref)).toEqual(['a.b', 'c.*']);
  });

  it('M-P7 counts a duplicate subscription once', async () => {
    const { topics, reader, place } = await topicTown();
    const ann = await reader('ann');
    topics.subscribe(ann, 'a.b');
    topics.subscribe(ann, 'a.b');
    expect(topics.topicsOf(ann.ref)).toEqual(['a.b']);
    expect(topics.counts.subscriptions).toBe(1);
    expect(place.monitors).toBe(1);
    expect(topics.publish('a.b', bytes('1'))).toBe(1);
    expect(ann.events).toHaveLength(1);
  });

  it('M-P8 M-P13 reaches every subscriber of a topic', async () => {
    const { topics, reader } = await topicTown();
    const [ann, bob] = [await reader('ann'), await reader('bob')];
    topics.subscribe(ann, 'a.b');
    topics.subscribe(bob, 'a.b');
    expect(topics.publish('a.b', bytes('1'))).toBe(2);
    expect([ann.events.length, bob.events.length]).toEqual([1, 1]);
  });

  it('M-G14 M-P9 M-P10 stops at an unsubscribe and keeps the other subscriptions', async () => {
    const { topics, reader } = await topicTown();
    const ann = await reader('ann');
    topics.subscribe(ann, 'a');
    topics.subscribe(ann, 'b');
    topics.unsubscribe(ann.ref, 'a');
    expect(topics.topicsOf(ann.ref)).toEqual(['b']);
    topics.publish('a', bytes('1'));
    topics.publish('b', bytes('2'));
    expect(ann.events.map(({ topic }) => topic)).toEqual(['b']);
  });

  it('M-P11 takes an unsubscribe twice, and one by a stranger', async () => {
    const { topics, reader } = await topicTown();
    const ann = await reader('ann');
    topics.subscribe(ann, 'a');
    topics.unsubscribe(ann.ref, 'a');
    topics.unsubscribe(ann.ref, 'a');
    topics.unsubscribe((await reader('stranger')).ref, 'a');
    expect(topics.counts).toMatchObject({ subscribers: 0, subscriptions: 0, nodes: 1 });
  });

  it('M-P12 hands over topic and payload, one object for all', async () => {
    const { topics, reader } = await topicTown();
    const [ann, bob] = [await reader('ann'), await reader('bob')];
    topics.subscribe(ann, 'a.b');
    topics.subscribe(bob, '**');
    topics.publish('a.b', bytes('hello'));
    expect(ann.events).toEqual([{ type: 'event', topic: 'a.b', payload: bytes('hello') }]);
    expect(ann.events[0]).toBe(bob.events[0]);
  });

  it('M-P14 M-P17 publishes to nobody without complaint', async () => {
    const { topics } = await topicTown();
    expect(topics.publish('a.b', bytes('1'))).toBe(0);
    expect(topics.views()).toEqual([]);
  });

  it('M-P15 M-P16 matches * with one segment and ** with any number', async () => {
    const { topics, reader } = await topicTown();
    const [one, many] = [await reader('one'), await reader('many')];
    topics.subscribe(one, 'test.*.event');
    topics.subscribe(many, 'test.**.event');
    topics.publish('test.foo.event', bytes('1'));
    topics.publish('test.foo.bar.baz.event', bytes('2'));
    topics.publish('test.event', bytes('3'));
    expect(one.events.map(({ topic }) => topic)).toEqual(['test.foo.event']);
    expect(many.events.map(({ topic }) => topic)).toEqual(['test.foo.event', 'test.foo.bar.baz.event', 'test.event']);
  });

  it('delivers once though several patterns of one subscriber fit', async () => {
    const { topics, reader } = await topicTown();
    const ann = await reader('ann');
    for (const pattern of ['a.b', 'a.*', '**', '**.b']) topics.subscribe(ann, pattern);
    expect(topics.publish('a.b', bytes('1'))).toBe(1);
    expect(ann.events).toHaveLength(1);
  });

  it('M-P18 knows no topics of a stranger', async () => {
    const { topics, reader } = await topicTown();
    expect(topics.topicsOf((await reader('stranger')).ref)).toEqual([]);
  });

  it('M-P19 takes twenty subscribers at once', async () => {
    const { topics, reader } = await topicTown();
    const readers = await Promise.all(Array.from({ length: 20 }, (_, i) => reader(`r${i}`)));
    await Promise.all(readers.map(async (one) => topics.subscribe(one, 'a.b')));
    expect(topics.publish('a.b', bytes('1'))).toBe(20);
    expect(readers.every(({ events }) => events.length === 1)).toBe(true);
  });

  it('M-G14 M-P20 forgets a subscriber that died, and publishes to the others', async () => {
    const { topics, reader, place } = await topicTown();
    const [ann, bob] = [await reader('ann'), await reader('bob')];
    topics.subscribe(ann, 'a.**');
    topics.subscribe(bob, 'a.*');
    place.dies(ann.ref);
    expect(topics.counts).toMatchObject({ subscribers: 1, subscriptions: 1 });
    expect(topics.publish('a.b', bytes('1'))).toBe(1);
    expect([ann.events.length, bob.events.length]).toEqual([0, 1]);
    expect(topics.views()).toEqual([{ id: 'a.*', state: 'subscribed', subscribers: 1 }]);
  });

  it('L10 D-7 drops its monitor with the last subscription and takes one with the first', async () => {
    const { topics, reader, place } = await topicTown();
    const ann = await reader('ann');
    const monitorsAfter = ['a', 'b', 'c'].map((pattern) => {
      topics.subscribe(ann, pattern);
      return place.monitors;
    });
    expect(monitorsAfter).toEqual([1, 1, 1]);
    topics.unsubscribe(ann.ref, 'a');
    topics.unsubscribe(ann.ref, 'b');
    expect(place.monitors).toBe(1);
    topics.unsubscribe(ann.ref, 'c');
    expect(place.monitors).toBe(0);
    for (let again = 0; again < 100; again += 1) {
      topics.subscribe(ann, 'a');
      topics.unsubscribe(ann.ref, 'a');
    }
    topics.subscribe(ann, 'a');
    expect(place.monitors).toBe(1);
  });

  it('is told anew of every subscription after a crash of its own', async () => {
    const { topics, reader, place, declared } = await topicTown();
    const ann = await reader('ann');
    for (const pattern of ['a.*', '**']) {
      declared.push({ subscriber: ann, pattern });
      topics.subscribe(ann, pattern);
    }
    const before = place.desk('topics').ref;
    place.crash('topics');
    expect(place.desk('topics').ref).not.toBe(before);
    expect(topics.topicsOf(ann.ref)).toEqual(['a.*', '**']);
    expect(topics.publish('a.b', bytes('1'))).toBe(1);
    expect(place.monitors).toBe(1);
    place.dies(ann.ref);
    expect(topics.counts).toMatchObject({ subscribers: 0, subscriptions: 0, nodes: 1 });
  });

  it('counts as a list of pairs would, whoever subscribes, leaves and dies', async () => {
    const names = ['ann', 'bob', 'cy'] as const;
    const patterns = ['a', 'a.b', '*.b', '**'] as const;
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(fc.constant('subscribe'), fc.constantFrom(...names), fc.constantFrom(...patterns)),
      },
      { weight: 3, arbitrary: fc.tuple(fc.constant('leave'), fc.constantFrom(...names), fc.constantFrom(...patterns)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('die'), fc.constantFrom(...names), fc.constant('a')) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { place, topics, reader } = await topicTown();
        const people = new Map(await Promise.all(names.map(async (name) => [name, await reader(name)] as const)));
        const dead = new Set<string>();
        let pairs = new Set<string>();
        for (const [what, name, pattern] of steps) {
          const person = people.get(name as (typeof names)[number]) as {
            ref: AnyActorRef;
          } & Subscription['subscriber'];
          if (dead.has(name)) continue;
          if (what === 'subscribe') {
            topics.subscribe(person, pattern);
            pairs.add(`${name} ${pattern}`);
          } else if (what === 'leave') {
            topics.unsubscribe(person.ref, pattern);
            pairs.delete(`${name} ${pattern}`);
          } else {
            place.dies(person.ref);
            dead.add(name);
            pairs = new Set([...pairs].filter((pair) => !pair.startsWith(`${name} `)));
          }
          const subscribers = new Set([...pairs].map((pair) => pair.split(' ')[0]));
          expect(topics.counts).toMatchObject({ subscribers: subscribers.size, subscriptions: pairs.size });
          expect(place.monitors).toBe(subscribers.size);
        }
      }),
      { numRuns: 30 },
    );
  });
});
