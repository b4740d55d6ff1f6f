/** The rules of the protocol taken away, one at a time, and the invariants that notice it. */
import type { Mutation } from './run-seed.js';

export interface Mutant {
  readonly rule: string;
  readonly mutation: Mutation;
  /** Which invariant notices it. */
  readonly by: RegExp;
  /** Within so many seeds. */
  readonly seeds: number;
}

export const MUTANTS: readonly Mutant[] = [
  { rule: 'a receiver refuses lower tokens', mutation: { openReceivers: true }, by: /I3/, seeds: 60 },
  { rule: 'the guard before each effect', mutation: { rules: { mayAct: () => true } }, by: /I4/, seeds: 60 },
  { rule: 'a claim is a compare-and-swap', mutation: { engine: { blindCas: 'own' } }, by: /I\d/, seeds: 60 },
  { rule: 'an older connect gives up', mutation: { rules: { staleConnect: () => false } }, by: /I7/, seeds: 60 },
  { rule: 'what is owned is read again', mutation: { options: { resyncMs: 1e9 } }, by: /I6|I9/, seeds: 60 },
  { rule: 'a claim that landed late is buried', mutation: { rules: { orphaned: () => false } }, by: /I9/, seeds: 400 },
  {
    rule: 'a lease is counted from when it was sent',
    mutation: { rules: { deadlineMs: (_sent, answered, { ttlMs, marginMs }) => answered + ttlMs - marginMs } },
    by: /I4/,
    seeds: 100,
  },
  {
    rule: 'a lease is renewed on its own revision',
    mutation: { engine: { blindCas: 'nodes' } },
    by: /I\d/,
    seeds: 200,
  },
  {
    rule: 'a tombstone keeps the ordinal',
    mutation: { rules: { buried: (_record, end) => ({ node: '', inc: 0, claim: '', ord: 0, end }) } },
    by: /I7/,
    seeds: 200,
  },
  {
    rule: 'a newer record takes the key away',
    mutation: { rules: { supersedes: () => false } },
    by: /I6|I9/,
    seeds: 60,
  },
  { rule: 'the dead are buried', mutation: { rules: { dead: () => false } }, by: /I9/, seeds: 300 },
  { rule: 'only the dead are buried', mutation: { rules: { dead: () => true } }, by: /I5/, seeds: 60 },
];
