/**
 * Taking keys, and noticing that they were taken. A claim always may take a key from whoever has it, without waiting: safety
 * comes from the token, not from waiting. It writes only over a revision whose content was seen, because that content may
 * name a newer connect; and a claim whose answer was lost is looked for before it is made again.
 */
import type { Attempt, ClaimAnswer, ClaimsParts, ExclusiveAnswer } from './claim-words.js';
import type { Known } from './directory.js';
import type { CasAnswer } from './engine.js';
import { Holding, type LossReason } from './holding.js';
import { type OwnRecord, writeRecord } from './record.js';

export class Claims {
  readonly #parts: ClaimsParts;
  readonly #holdings = new Map<string, Holding>();
  readonly #pending = new Map<string, Attempt>();
  readonly #timers = new Set<unknown>();
  #lastClaim = 0;
  #lastRead: string | undefined;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  get held(): number {
    return this.#holdings.size;
  }

  get pending(): number {
    return this.#pending.size;
  }

  get(key: string): Holding | undefined {
    return this.#holdings.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#holdings.keys();
  }

  /** Takes the key. `ord` orders the connects of one client; 0: unknown, and then the engine's order counts. */
  claim(key: string, ord: number, done: (answer: ClaimAnswer) => void): void {
    if (!this.#parts.mayAct()) {
      done({ type: 'fenced' });
      return;
    }
    const underWay = this.#pending.get(key);
    if (underWay && this.#parts.rules.staleConnect(ord, underWay.ord)) {
      done({ type: 'stale_connect' });
      return;
    }
    this.#begin(key, ord, false, done);
  }

  /**
   * Takes the key if it is nobody's. For what cannot check a token: who held it has given it back, or may not act any more for
   * longer than the margin.
   */
  claimExclusive(key: string, done: (answer: ExclusiveAnswer) => void): void {
    if (this.#parts.mayAct()) this.#begin(key, 0, true, done);
    else done({ type: 'fenced' });
  }

  #begin(key: string, ord: number, exclusive: boolean, done: Attempt['done']): void {
    this.#lastClaim += 1;
    const inc = this.#parts.inc();
    const claim = `${this.#parts.node}/${inc}/${this.#lastClaim}`;
    this.#answer(key, { type: 'superseded' });
    const attempt: Attempt = { key, ord, claim, inc, exclusive, tries: 0, done };
    this.#pending.set(key, attempt);
    this.#try(attempt);
  }

  /** Everything is lost at once: the lease is, or the engine has gone back. */
  dropAll(reason: LossReason): void {
    for (const timer of this.#timers) this.#parts.clock.clearTimeout(timer);
    this.#timers.clear();
    const answer: ClaimAnswer = { type: 'fenced' };
    for (const key of [...this.#pending.keys()]) this.#answer(key, answer);
    for (const holding of [...this.#holdings.values()]) this.#lose(holding, reason);
  }

  /** Gives everything back; `done` when the engine has answered for each key. */
  releaseAll(done: () => void): void {
    for (const key of [...this.#pending.keys()]) this.#answer(key, { type: 'fenced' });
    const all = [...this.#holdings.values()];
    let open = all.length;
    if (open === 0) {
      done();
      return;
    }
    for (const holding of all) {
      this.#release(holding, () => {
        open -= 1;
        if (open === 0) done();
      });
    }
  }

  /** A record was seen, by whatever way. */
  seen(key: string, record: OwnRecord, rev: number): void {
    const { rules, node } = this.#parts;
    const holding = this.#holdings.get(key);
    if (holding && rules.supersedes(record, rev, { rev: holding.token.rev, claim: holding.claim })) {
      this.#lose(holding, 'superseded');
    }
    const pending = this.#pending.get(key)?.claim;
    if (rules.orphaned(record, node, this.#holdings.get(key)?.claim, pending)) this.bury(key, record, rev, 'orphan');
  }

  /** The new owner says so itself. */
  toldSuperseded(key: string, token: { readonly era: number; readonly rev: number }): void {
    const holding = this.#holdings.get(key);
    if (holding && holding.token.era === token.era && holding.token.rev < token.rev) this.#lose(holding, 'superseded');
  }

  /** Writes that nobody owns the key, unless it has changed since. */
  bury(key: string, record: OwnRecord, rev: number, end: NonNullable<OwnRecord['end']>, done?: () => void): void {
    const value = writeRecord(this.#parts.rules.buried(record, end));
    this.#parts.engine.cas('own', key, value, rev, (answer) => {
      if (answer.type === 'written') this.#parts.directory.see({ key, value, rev: answer.rev });
      done?.();
    });
  }

  /**
   * Reads the records of what is held again, so many in a go and in turn, because a watch may lag. Records that name this node
   * without being held are looked at as well: a burial whose answer was lost may not have happened.
   */
  resync(keysMax: number): void {
    const { directory, node } = this.#parts;
    for (const incarnation of [...directory.incarnations()]) {
      if (incarnation.node !== node) continue;
      for (const key of directory.keysOf(node, incarnation.inc)) {
        const known = directory.of(key);
        if (known && !this.#holdings.has(key)) this.seen(key, known.record, known.rev);
      }
    }
    const keys = [...this.#holdings.keys()];
    const from = this.#lastRead === undefined ? 0 : (keys.indexOf(this.#lastRead) + 1) % Math.max(1, keys.length);
    for (let n = 0; n < Math.min(keysMax, keys.length); n += 1) {
      const key = keys[(from + n) % keys.length] as string;
      this.#lastRead = key;
      this.#readAgain(key);
    }
  }

  #readAgain(key: string): void {
    const { engine, directory } = this.#parts;
    const holding = this.#holdings.get(key);
    engine.get('own', key, (answer) => {
      if (answer.type === 'unknown' || !holding || this.#holdings.get(key) !== holding) return;
      const { entry } = answer;
      if (!entry || entry.rev < holding.token.rev) {
        this.#parts.onWentBack(`"${key}" was acknowledged at ${holding.token.rev} and stands at ${entry?.rev ?? 0}`);
        return;
      }
      directory.see(entry);
      // Seen before, so that nothing changed by seeing it; but it may have been seen while this key was being claimed.
      const known = directory.of(key);
      if (known) this.seen(key, known.record, known.rev);
    });
  }

  #try(attempt: Attempt): void {
    const { key, ord, claim, inc } = attempt;
    if (this.#pending.get(key) !== attempt) return;
    const { engine, directory, rules, node, options } = this.#parts;
    if (!this.#parts.mayAct() || inc !== this.#parts.inc()) {
      this.#answer(key, { type: 'fenced' });
      return;
    }
    const known = directory.of(key);
    const highest = known?.record.ord ?? 0;
    if (rules.staleConnect(ord, highest)) {
      this.#answer(key, { type: 'stale_connect' });
      return;
    }
    if (attempt.exclusive && known && !this.#isFree(attempt, known)) return;
    attempt.tries += 1;
    if (attempt.tries > options.attempts) {
      this.#answer(key, { type: 'unavailable', why: `no answer after ${options.attempts} tries` });
      return;
    }
    const record: OwnRecord = { node, inc, claim, ord: Math.max(ord, highest) };
    const value = writeRecord(record);
    attempt.from = known?.record.node ?? '';
    engine.cas('own', key, value, known?.rev ?? 0, (answer) => this.#written(attempt, value, answer));
  }

  /** False where an exclusive claim has to read first, or to pause, or was answered that the key is held. */
  #isFree(attempt: Attempt, { record, rev }: Known): boolean {
    const { rules, options, node } = this.#parts;
    const { key, inc } = attempt;
    // What this very incarnation gave back, and what the engine was not yet told of, nobody acts for.
    const own = record.node === node && record.inc === inc && !this.#holdings.has(key);
    const pauseMs = rules.exclusivePauseMs(record, own, options);
    if (pauseMs === 0 || attempt.pausedRev === rev) return true;
    if (pauseMs < Number.POSITIVE_INFINITY) {
      attempt.pausedRev = rev;
      this.#after(pauseMs, () => this.#try(attempt));
    } else if (attempt.readRev === rev) this.#answer(key, { type: 'held', node: record.node });
    else this.#readHolder(attempt);
    return false;
  }

  /** What is known may lag: that it is held is said after the engine has said so. */
  #readHolder(attempt: Attempt): void {
    const { key } = attempt;
    this.#parts.engine.get('own', key, (read) => {
      if (this.#pending.get(key) !== attempt) return;
      if (read.type === 'read' && read.entry) {
        attempt.readRev = this.#parts.directory.see(read.entry).rev;
        this.#try(attempt);
      } else this.#answer(key, { type: 'unavailable', why: read.type === 'unknown' ? read.why : 'its record is gone' });
    });
  }

  #written(attempt: Attempt, value: string, answer: CasAnswer): void {
    const { key } = attempt;
    if (this.#pending.get(key) !== attempt) {
      // Answered otherwise meanwhile. If it has landed it is an orphan, and seen as one.
      if (answer.type === 'written') this.#parts.directory.see({ key, value, rev: answer.rev });
      return;
    }
    if (answer.type === 'written') {
      this.#landed(attempt, value, answer.rev);
      return;
    }
    this.#readBeforeNext(attempt, value);
  }

  /** Refused or unknown: the truth is read. If it is this very claim that stands there, it holds. */
  #readBeforeNext(attempt: Attempt, value: string): void {
    const { key, claim } = attempt;
    const { engine, directory, random } = this.#parts;
    engine.get('own', key, (read) => {
      if (this.#pending.get(key) !== attempt) return;
      const known = read.type === 'read' && read.entry ? directory.see(read.entry) : undefined;
      if (known?.record.claim === claim) {
        this.#landed(attempt, value, known.rev);
        return;
      }
      // Refused over what was stale: the next is over what was just read. Only who is refused again steps aside for a moment.
      if (known && attempt.tries === 1) this.#try(attempt);
      else this.#after(Math.ceil(random() * 20 * attempt.tries), () => this.#try(attempt));
    });
  }

  #landed(attempt: Attempt, value: string, rev: number): void {
    const { key, claim, inc } = attempt;
    const { directory, mayAct, node } = this.#parts;
    if (!mayAct() || inc !== this.#parts.inc()) {
      this.#answer(key, { type: 'fenced' });
      directory.see({ key, value, rev });
      return;
    }
    directory.see({ key, value, rev });
    // The watch may have brought a newer record before this answer came.
    if ((directory.of(key)?.rev ?? 0) > rev) {
      this.#answer(key, { type: 'superseded' });
      return;
    }
    const token = { era: this.#parts.era(), rev };
    const holding = new Holding({ key, token, claim, mayAct, release: (one) => this.#release(one) });
    const old = this.#holdings.get(key);
    this.#holdings.set(key, holding);
    old?.lose('superseded');
    const { from = '' } = attempt;
    if (from !== '' && from !== node) this.#parts.onTaken(key, from, token);
    this.#answer(key, { type: 'owned', ownership: holding });
  }

  #answer(key: string, answer: ExclusiveAnswer): void {
    const attempt = this.#pending.get(key);
    this.#pending.delete(key);
    attempt?.done(answer);
  }

  #lose(holding: Holding, reason: LossReason): void {
    if (this.#holdings.get(holding.key) === holding) this.#holdings.delete(holding.key);
    holding.lose(reason);
  }

  #release(holding: Holding, done?: () => void): void {
    const { key, token, claim } = holding;
    this.#lose(holding, 'released');
    const record = this.#parts.directory.of(key)?.record ?? { node: '', inc: 0, claim, ord: 0 };
    this.bury(key, record, token.rev, 'released', done);
  }

  #after(ms: number, fn: () => void): void {
    const timer = this.#parts.clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
  }
}
