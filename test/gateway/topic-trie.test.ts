import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  patternFault,
  TOPIC_LENGTH_MAX,
  TOPIC_SEGMENTS_MAX,
  TopicTrie,
  topicFault,
} from '../../src/gateway/topic-trie.js';

function subscribed(...patterns: string[]): TopicTrie<string> {
  const trie = new TopicTrie<string>();
  for (const pattern of patterns) trie.add(pattern, pattern);
  return trie;
}

/** The meaning of a pattern, as one would write it down; exponential, and therefore only here. */
function fits(pattern: readonly string[], topic: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return topic.length === 0;
  if (head === '**') return topic.some((_, i) => fits(rest, topic.slice(i))) || fits(rest, []);
  if (topic.length === 0) return false;
  return (head === '*' || head === topic[0]) && fits(rest, topic.slice(1));
}

describe('a topic trie', () => {
  it.each([
    ['test.foo.event', 'test.foo.event', true],
    ['test.foo.event', 'test.foo', false],
    ['test.foo', 'test.foo.event', false],
    ['test.*.event', 'test.foo.event', true],
    ['test.*.event', 'test.event', false],
    ['test.*.event', 'test.foo.bar.event', false],
    ['test.**.event', 'test.foo.bar.baz.event', true],
    ['test.**.event', 'test.event', true],
    ['test.**', 'test', true],
    ['**', 'anything.at.all', true],
    ['**.end', 'end', true],
    ['*', 'one', true],
    ['*', 'one.two', false],
    ['**.**', 'one', true],
    ['a.**.b.**.c', 'a.x.b.b.c', true],
    ['a.**.b.**.c', 'a.x.c', false],
  ])('with %s: %s is a match: %s', (pattern, topic, matches) => {
    expect(subscribed(pattern).match(topic).has(pattern)).toBe(matches);
  });

  it('names a subscriber once though several of its patterns fit', () => {
    const trie = new TopicTrie<string>();
    for (const pattern of ['a.b', 'a.*', 'a.**', '**']) trie.add(pattern, 'ann');
    trie.add('*.b', 'bob');
    expect([...trie.match('a.b')].sort()).toEqual(['ann', 'bob']);
  });

  it('keeps no branch on which nobody is left', () => {
    const trie = subscribed('a.b.c', 'a.b', 'a.*.**');
    trie.remove('a.b.c', 'somebody else');
    expect(trie.nodes).toBe(6);
    trie.remove('a.b.c', 'a.b.c');
    expect(trie.nodes).toBe(5);
    trie.remove('a.b', 'a.b');
    trie.remove('a.*.**', 'a.*.**');
    trie.remove('never.there', 'nobody');
    expect(trie.nodes).toBe(1);
    expect([...trie.patterns()]).toEqual([]);
  });

  it('does not tell a word from a property of objects', () => {
    const trie = subscribed('constructor.__proto__');
    expect([...trie.match('constructor.__proto__')]).toEqual(['constructor.__proto__']);
    expect(trie.match('toString').size).toBe(0);
  });

  it('matches a pattern of thirty ** against a long topic without trying each way', () => {
    const pattern = `${'**.'.repeat(30)}end`;
    const topic = Array.from({ length: 32 }, () => 'x').join('.');
    const trie = subscribed(pattern);
    expect(trie.match(topic).size).toBe(0);
    expect(trie.match(`${topic.slice(2)}.end`).size).toBe(1);
  });

  it('agrees with the definition, whatever is subscribed and unsubscribed', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    const pattern = fc.array(fc.oneof(word, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 5 });
    const step = fc.record({
      add: fc.boolean(),
      who: fc.constantFrom('ann', 'bob', 'cy'),
      pattern: pattern.map((segments) => segments.join('.')),
    });
    const topic = fc.array(word, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('.'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(topic, { maxLength: 10 }), (steps, topics) => {
        const trie = new TopicTrie<string>();
        const model = new Set<string>();
        for (const { add, who, pattern: text } of steps) {
          if (add) trie.add(text, who);
          else trie.remove(text, who);
          if (add) model.add(`${who} ${text}`);
          else model.delete(`${who} ${text}`);
        }
        for (const text of topics) {
          const expected = new Set(
            [...model]
              .map((entry) => entry.split(' ') as [string, string])
              .filter(([, pat]) => fits(pat.split('.'), text.split('.')))
              .map(([who]) => who),
          );
          expect(new Set(trie.match(text))).toEqual(expected);
        }
        const total = [...trie.patterns()].reduce((sum, { subscribers }) => sum + subscribers, 0);
        expect(total).toBe(model.size);
        for (const entry of model) {
          const [who, text] = entry.split(' ') as [string, string];
          trie.remove(text, who);
        }
        expect(trie.nodes).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a pattern', () => {
  it.each([
    ['', /empty string/],
    ['a..b', /no empty segment/],
    ['.a', /no empty segment/],
    ['a.', /no empty segment/],
    ['a*', /whole segments/],
    ['a.***', /whole segments/],
    ['x'.repeat(TOPIC_LENGTH_MAX + 1), /at most 256 characters, got 257/],
    [Array.from({ length: TOPIC_SEGMENTS_MAX + 1 }, () => 'a').join('.'), /at most 32 segments, got 33/],
  ])('such as %j is refused with a sentence', (pattern, fault) => {
    expect(patternFault(pattern)).toMatch(fault);
  });

  it('may be as long as the limits, and hold any other character', () => {
    expect(patternFault('x'.repeat(TOPIC_LENGTH_MAX))).toBeUndefined();
    expect(patternFault(Array.from({ length: TOPIC_SEGMENTS_MAX }, () => '*').join('.'))).toBeUndefined();
    expect(patternFault('Straße.東京.a b/c')).toBeUndefined();
  });
});

describe('a topic', () => {
  it('has no wildcards', () => {
    expect(topicFault('a.*')).toMatch(/without "\*"/);
    expect(topicFault('a.b')).toBeUndefined();
  });
});
