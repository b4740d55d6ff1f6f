/**
 * What a publication costs: 10,000 subscribers with 1,000 patterns between them. Printed and not judged.
 *
 *     npm run -s bench -- topics
 */

import { Place } from '../../src/gateway/place.js';
import { type Subscriber, Topics, topicsLogic } from '../../src/gateway/topics.js';
import { dynamicSupervisor, fromProcess, startApplication, startChild } from '../../src/otp/index.js';

const SUBSCRIBERS = 10_000;
const PATTERNS = 1_000;

const person = fromProcess<undefined>(() => ({}));
const place = new Place();
const people = new Place();
const app = await startApplication('bench', {
  children: [
    { id: 'people', type: 'supervisor', start: people.starts(dynamicSupervisor()) },
    { id: 'topics', start: place.starts(topicsLogic, () => ({ adopt: () => [] })) },
  ],
});
const topics = new Topics(() => place.process);
const EMPTY = new Uint8Array();
let delivered = 0;

const subscribers: Subscriber[] = [];
for (let n = 0; n < SUBSCRIBERS; n += 1) {
  const supervisor = people.ref;
  const answer =
    supervisor && (await startChild(supervisor, { id: `p${n}`, restart: 'temporary', start: { logic: person } }));
  if (!answer || answer.error || !answer.ok) throw new Error(`person ${n} did not start`);
  const ref = answer.ok;
  subscribers.push({ ref, deliver: () => (delivered += 1) });
}

/** Nine of ten patterns are exact, the others have one wildcard or end in any number of segments. */
function pattern(n: number): string {
  if (n % 20 === 0) return `site.${n}.**`;
  if (n % 20 === 10) return `site.${n}.*.state`;
  return `site.${n}.door.state`;
}

function measure(what: string, times: number, run: (n: number) => void): void {
  const beganMs = performance.now();
  delivered = 0;
  for (let n = 0; n < times; n += 1) run(n);
  const tookUs = (performance.now() - beganMs) * 1_000;
  const each = delivered === 0 ? '' : `, ${(tookUs / delivered).toFixed(3)} µs for each of ${delivered} deliveries`;
  console.log(`${what}: ${(tookUs / times).toFixed(2)} µs${each}`);
}

measure('subscribe', SUBSCRIBERS, (n) => topics.subscribe(subscribers[n] as Subscriber, pattern(n % PATTERNS)));
measure('publish to ten of 10,000', 100_000, (n) => topics.publish(`site.${n % PATTERNS}.door.state`, EMPTY));
measure('publish to nobody', 100_000, (n) => topics.publish(`other.${n % PATTERNS}`, EMPTY));
for (const subscriber of subscribers) topics.subscribe(subscriber, 'all');
measure('publish to 10,000', 200, () => topics.publish('all', EMPTY));
for (const subscriber of subscribers) topics.subscribe(subscriber, '*');
measure('publish to 10,000 by two patterns each', 50, () => topics.publish('all', EMPTY));
measure('unsubscribe', SUBSCRIBERS, (n) =>
  topics.unsubscribe((subscribers[n] as Subscriber).ref, pattern(n % PATTERNS)),
);
await app.stop();
