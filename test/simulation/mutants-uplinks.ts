/** Rules of uplinks, of turns and of audio taken away, as in `mutants.ts`. */
import type { Mutant } from './mutants.js';

/** One attempt at a time, in whatever way the one before ended. */
const attempts: readonly Mutant[] = [
  {
    rule: 'an attempt is given back before the next',
    file: 'src/gateway/uplink',
    text: 'const pending = scope?.dispose();',
    becomes: 'const pending = undefined;',
  },
  {
    rule: 'the next attempt waits until the one before is given back',
    file: 'src/gateway/uplink',
    text: 'if (!pending) {',
    becomes: 'if (true) {',
  },
  {
    rule: 'an attempt that was given up is heard no more',
    file: 'src/gateway/uplink',
    text: 'const current = () => this.#scope === scope && this.process.alive;',
    becomes: 'const current = () => this.process.alive;',
  },
  {
    rule: 'an uplink waits until the one before it in its place has given back',
    file: 'src/gateway/uplinks',
    text: 'new Turn(this.#latest.get(id)?.turn)',
    becomes: 'new Turn()',
  },
  {
    rule: 'the turn of an uplink is over with it',
    file: 'src/gateway/uplink',
    text: "process.scope.acquire('uplink_turn', () => this.#parts.turn.end());",
    becomes: '',
  },
  {
    rule: 'a new way is taken after an attempt that hung',
    file: 'machines/uplink',
    text: "['markStuck', 'countFailure']",
    becomes: "['markFailed', 'countFailure']",
  },
  {
    rule: 'the same way is taken after an attempt that failed',
    file: 'machines/uplink',
    text: "['markFailed', 'countFailure']",
    becomes: "['markStuck', 'countFailure']",
  },
];

/** When it is live, and how long it may take to be. */
const life: readonly Mutant[] = [
  {
    rule: 'a peer that does not accept is given up',
    file: 'machines/uplink',
    text: 'after: { connectTimeout: HUNG },',
    becomes: '',
  },
  {
    rule: 'a peer that accepts and says nothing is given up',
    file: 'machines/uplink',
    text: 'after: { firstMessageTimeout: HUNG },',
    becomes: '',
  },
  {
    rule: 'only the first word makes an uplink live',
    file: 'machines/uplink',
    text: "'attempt.opened': 'accepted'",
    becomes: "'attempt.opened': 'live'",
  },
  {
    rule: 'a peer that has fallen silent is given up',
    file: 'src/gateway/uplink',
    text: "this.process.ref.send({ type: 'silence.detected' });",
    becomes: '',
  },
  {
    rule: 'each word puts off the end by silence',
    file: 'src/gateway/uplink',
    text: 'if (moreMs > 0)',
    becomes: 'if (false)',
  },
  {
    rule: 'silence is looked for again after a while, not at once',
    file: 'src/gateway/uplink',
    text: 'this.#watchForSilence(moreMs);',
    becomes: 'this.#watchForSilence(0);',
    runsInCircles: true,
  },
  {
    rule: 'an uplink that is live says that it is here',
    file: 'src/gateway/uplink',
    text: 'this.#scope?.interval(heartbeatMs, () => this.#attempt?.beat());',
    becomes: '',
  },
  {
    rule: 'there is a pause between two attempts',
    file: 'machines/uplink',
    text: "on: { 'attempt.closed': 'pausing' },",
    becomes: "on: { 'attempt.closed': 'connecting' },",
  },
  {
    rule: 'pauses grow',
    file: 'machines/uplink',
    text: 'initialMs * 2 ** Math.max(0, failures - 1)',
    becomes: 'initialMs',
  },
  {
    rule: 'who has held for a while begins with the shortest pause',
    file: 'machines/uplink',
    text: "actions: 'forgetFailures'",
    becomes: 'actions: []',
  },
  {
    rule: 'who is refused for good does not come back',
    file: 'machines/uplink',
    text: "{ guard: 'failureIsFinal', target: '#uplink.closing', actions: 'recordRefused' },",
    becomes: '',
  },
];

/** What its user is told. */
const words: readonly Mutant[] = [
  {
    rule: 'who is gone for long is degraded',
    file: 'machines/uplink',
    text: "after: { degradedAfter: 'degraded' },",
    becomes: '',
  },
  {
    rule: 'a short break is not told',
    file: 'machines/uplink',
    text: 'degradedAfter: ({ context }) => context.degradedMs,',
    becomes: 'degradedAfter: () => 1,',
  },
  {
    rule: 'who is back is available again',
    file: 'machines/uplink',
    text: "entry: 'announceDegraded',\n                            on: { 'peer.heard': { guard: 'awaited', target: 'available' } },",
    becomes: "entry: 'announceDegraded',",
  },
  {
    rule: 'who was given up for its silence is missed',
    file: 'machines/uplink',
    text: "on: { 'attempt.failed': 'missed', 'silence.detected': 'missed' },",
    becomes: "on: { 'attempt.failed': 'missed' },",
  },
  {
    rule: 'too many reconnections are told',
    file: 'src/gateway/uplink',
    text: 'if (!this.#rate.count(nowMs))',
    becomes: 'if (this.#rate.count(nowMs) || true)',
  },
  {
    rule: 'as many reconnections as are allowed are not told',
    file: 'src/gateway/uplink-rate',
    text: 'const tooMany = this.within(nowMs) > this.#max;',
    becomes: 'const tooMany = this.within(nowMs) >= this.#max;',
  },
  {
    rule: 'too many reconnections are told once',
    file: 'src/gateway/uplink-rate',
    text: 'tooMany && !this.#alerted',
    becomes: 'tooMany',
  },
  {
    rule: 'reconnections of long ago do not count',
    file: 'src/gateway/uplink-rate',
    text: 'while ((this.#atMs[0] ?? nowMs) <= nowMs - this.#perMs)',
    becomes: 'while (false)',
  },
  {
    rule: 'the first connection is no reconnection',
    file: 'src/gateway/uplink',
    text: 'if (this.#attempts > 1)',
    becomes: 'if (true)',
  },
];

/** Which of them there are. */
const wanted: readonly Mutant[] = [
  {
    rule: 'a fresh supervisor begins with every uplink that is wanted',
    file: 'src/gateway/uplinks',
    text: '[...this.#wanted.values()].map((wanted) => this.#spec(wanted))',
    becomes: '[]',
  },
  {
    rule: 'an uplink that is ended is told so',
    file: 'src/gateway/uplinks',
    text: "requestStop(latest.uplink.process, 'shutdown');",
    becomes: ';',
  },
  {
    rule: 'nothing is kept of an uplink that was ended',
    file: 'src/gateway/uplinks',
    text: 'await this.#discard(id);',
    becomes: '',
  },
];

/** Whoever gives back slowly, and whoever comes after. */
const turns: readonly Mutant[] = [
  {
    rule: 'a turn begins when the one before is over',
    file: 'src/gateway/turn',
    text: 'if (!before || before.over)',
    becomes: 'if (true)',
  },
  {
    rule: 'a camera that is started anew waits for the source of the one before',
    file: 'src/gateway/cameras',
    text: 'new Turn(this.#turns.get(options.id))',
    becomes: 'new Turn()',
  },
  {
    rule: 'a turn is over when what was closed early is given back',
    file: 'src/gateway/turn',
    text: ' && this.#closing === 0;',
    becomes: ';',
  },
];

const audio: readonly Mutant[] = [
  {
    rule: 'audio that has waited too long is never written',
    file: 'src/flow/outbox',
    text: 'while (this.#waiting.ageMs(nowMs) > age.maxAgeMs) {',
    becomes: 'while (false) {',
  },
  {
    rule: 'age is looked at when a write is over, too',
    file: 'src/flow/outbox',
    text: 'this.#dropAged(this.#options.age?.clock.now() ?? 0);',
    becomes: '',
  },
  {
    rule: 'audio that waits goes as one write',
    file: 'src/flow/outbox',
    text: 'if (!batch || this.#waiting.length === 0)',
    becomes: 'if (true)',
  },
];

export const uplinkMutants: readonly Mutant[] = [...attempts, ...life, ...words, ...wanted, ...turns, ...audio];
