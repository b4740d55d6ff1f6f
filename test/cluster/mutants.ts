/**
 * The rules of the protocol taken away, one at a time, and what notices it: rules 1 to 10 of ownership (R1 to R10), of exclusive
 * claims (RX) and of frames between nodes (RF), and the invariants I1 to I10 and F1 to F7 of `run-seed.ts` and `simulated-relay.ts`.
 *
 * | rule | says |
 * |---|---|
 * | R1 | a claim is a compare-and-swap over a revision whose content was seen; an older connect gives up |
 * | R2 | it waits for nobody; whoever is acted upon refuses lower tokens |
 * | R3 | a lease is renewed on its own revision and counts from when the renewal was sent (that a refusal ends it as well nobody can see: the deadline has passed by then) |
 * | R4 | the guard is asked before every effect |
 * | R5 | a fenced node drops everything, tells its monitors, comes back as somebody new and claims nothing by itself |
 * | R6 | who is replaced is told by the watch and by the new owner |
 * | R7 | what is owned is read again; what landed late is buried |
 * | R8 | the dead are buried and only they, and the ordinal stays |
 * | R9 | silence is a hint: DOWN once, with a true reason |
 * | R10 | an engine that went back halts everybody |
 */
import type { Mutation } from './run-seed.js';

export interface Mutant {
  readonly rule: string;
  /** Which faults notice it. */
  readonly by: RegExp;
  /** Within so many seeds. */
  readonly seeds: number;
  readonly mutation: Mutation;
}

const never = (): boolean => false;

export const MUTANTS: readonly Mutant[] = [
  { rule: 'R1 an older connect gives up', by: /I7/, seeds: 60, mutation: { rules: { staleConnect: never } } },
  { rule: 'R1 a claim is a compare-and-swap', by: /I7/, seeds: 60, mutation: { engine: { blindCas: 'own' } } },
  { rule: 'R1 over what was seen', by: /I7/, seeds: 60, mutation: { engine: { unseen: true } } },
  { rule: 'R2 a claim waits for nobody', by: /I9 a claim/, seeds: 60, mutation: { polite: true } },
  { rule: 'R2 a receiver refuses lower tokens', by: /I3/, seeds: 60, mutation: { openReceivers: true } },
  {
    rule: 'R3 a lease counts from when it was sent',
    by: /I4/,
    seeds: 100,
    mutation: { rules: { deadlineMs: (_sent, answered, { ttlMs, marginMs }) => answered + ttlMs - marginMs } },
  },
  {
    rule: 'R3 a lease is renewed on its own revision',
    by: /I\d/,
    seeds: 200,
    mutation: { engine: { blindCas: 'nodes' } },
  },
  { rule: 'R4 the guard before each effect', by: /I4/, seeds: 60, mutation: { rules: { mayAct: () => true } } },
  { rule: 'R5 who was fenced claims nothing', by: /I7.*twice/, seeds: 60, mutation: { reclaims: true } },
  { rule: 'R6 a newer record takes the key away', by: /I6|I9/, seeds: 60, mutation: { rules: { supersedes: never } } },
  { rule: 'R7 what is owned is read again', by: /I6|I9/, seeds: 100, mutation: { options: { resyncMs: 1e9 } } },
  {
    // Answers are lost and tries are few, so that many land late.
    rule: 'R7 what landed late is buried',
    by: /I9 (the record of )?session/,
    seeds: 60,
    mutation: { rules: { orphaned: never }, options: { attempts: 1 }, engine: { deaf: true } },
  },
  {
    rule: 'R8 a tombstone keeps the ordinal',
    by: /I7/,
    seeds: 200,
    mutation: { rules: { buried: (_record, end) => ({ node: '', inc: 0, claim: '', ord: 0, end }) } },
  },
  { rule: 'R8 the dead are buried', by: /I9/, seeds: 300, mutation: { rules: { dead: never } } },
  { rule: 'R8 only the dead are buried', by: /I5/, seeds: 60, mutation: { rules: { dead: () => true } } },
  {
    rule: 'R10 an engine that went back halts everybody',
    by: /I10/,
    seeds: 60,
    mutation: { forgetful: true, rules: { wentBack: never } },
  },
  {
    rule: 'RX what cannot check a token is waited for',
    by: /I1 /,
    seeds: 60,
    mutation: { rules: { exclusivePauseMs: () => 0 } },
  },
];

/** Rules that no function of their own stands for, as changes to the text of the compiled product. */
export interface TextMutant {
  readonly rule: string;
  readonly by: RegExp;
  readonly seeds: number;
  /** Of the run that notices it. */
  readonly flags?: readonly string[];
  /** A compiled file, without its ending. */
  readonly file: string;
  /** This text, which is there exactly once, … */
  readonly text: string;
  /** … becomes this. */
  readonly becomes: string;
}

const SEND = 'src/cluster/relay-send';
const WATCH = 'src/cluster/relay-watch';
const PEERS = 'src/cluster/peers';
const NODE = 'src/cluster/node';

export const TEXT_MUTANTS: readonly TextMutant[] = [
  {
    rule: 'R5 who was fenced holds nothing',
    by: /I4/,
    seeds: 60,
    file: NODE,
    text: "this.#claims.dropAll('fenced');",
    becomes: '',
  },
  {
    rule: 'R5 and tells its monitors at once',
    by: /I8/,
    seeds: 60,
    file: NODE,
    text: 'this.#peers.fenced(this.name);',
    becomes: '',
  },
  {
    rule: 'R6 the watch tells',
    by: /I6|I9/,
    seeds: 60,
    file: 'src/cluster/watches',
    text: 'void this.#directory.see(entry)',
    becomes: 'void entry',
  },
  {
    rule: 'R6 the new owner tells',
    // What is read again would hide it.
    flags: ['--no-resync'],
    by: /I6 .* 2850 ms/,
    seeds: 100,
    file: NODE,
    text: 'this.#claims.toldSuperseded(taken.key, taken);',
    becomes: '{}',
  },
  {
    rule: 'R9 DOWN comes once',
    by: /I8/,
    seeds: 60,
    file: PEERS,
    text: 'this.#drop(monitor);\n        monitor.onDown(',
    becomes: 'monitor.onDown(',
  },
  {
    rule: 'R9 noconnection comes after a silence',
    by: /I8/,
    seeds: 60,
    file: PEERS,
    text: 'nowMs - heardMs <= this.#silenceMs || ',
    becomes: '',
  },
  {
    rule: 'R9 its reason is the truth',
    by: /I8/,
    seeds: 60,
    file: PEERS,
    text: "'normal' : 'fenced'",
    becomes: "'fenced' : 'normal'",
  },
  {
    rule: 'R9 DOWN comes at all',
    by: /I8/,
    seeds: 60,
    file: NODE,
    text: 'this.#peers.changed(key, now);',
    becomes: '',
  },
  {
    rule: 'RF another attempt ends the one before',
    by: /F2/,
    seeds: 100,
    file: SEND,
    text: 'if (known)\n            this.#end(name);',
    becomes: '',
  },
  {
    rule: 'RF without credit nothing goes',
    by: /F3/,
    seeds: 60,
    file: SEND,
    text: 'return this.#sent - this.#acked < CREDIT_FRAMES;',
    becomes: 'return true;',
  },
  {
    rule: 'RF interest ends by itself',
    by: /F4/,
    seeds: 100,
    file: SEND,
    text: 'clock.now() - stream.heardMs > INTEREST_TTL_MS',
    becomes: 'false',
  },
  {
    rule: 'RF what is dropped is counted',
    by: /F5/,
    seeds: 100,
    file: SEND,
    text: 'this.#dropped += 1;\n        if (this.#slow)',
    becomes: 'if (this.#slow)',
  },
  {
    rule: 'RF under the name of the slow one',
    by: /F6/,
    seeds: 100,
    file: SEND,
    text: 'onSlow(this.interest.camera, this.interest.node)',
    becomes: "onSlow(this.interest.camera, 'ABC'.replace(this.interest.node, '')[0])",
  },
  {
    rule: 'RF what was overtaken is not shown',
    by: /F1/,
    seeds: 60,
    file: WATCH,
    text: 'if (head.n <= this.#got)\n                    break;',
    becomes: '',
  },
  {
    rule: 'RF numbers go on behind what was sent',
    by: /F\d/,
    seeds: 400,
    file: SEND,
    text: 'Math.max(interest.got, highest)',
    becomes: '0',
  },
  {
    rule: 'RF what was lost on its way is written off',
    by: /F7/,
    seeds: 400,
    file: SEND,
    text: 'this.#acked < this.#sent && this.#acked === this.#ackedBefore',
    becomes: 'false',
  },
  {
    // The one hides that the other is missing.
    rule: 'RF frames of another stream, token or incarnation are not taken',
    by: /I3/,
    seeds: 200,
    file: WATCH,
    text: 'got.head.stream !== this.#parts.stream || !this.#parts.admits(got.head)',
    becomes: 'false',
  },
];
