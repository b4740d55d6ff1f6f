/**
 * One thing that is held: in its scope and in the census it knows its neighbours, so that neither keeps a table. There are
 * several for each client of a gateway; what one weighs is felt.
 */
import type { Holding } from './census.js';

/** Gives something back. May be asynchronous; an error is collected, and never keeps the others from being given back. */
export type Dispose = () => void | Promise<void>;

/** One held thing. `release` gives it back early; at most once, and never again when the scope ends. */
export interface Held {
  release(): Promise<void>;
}

/** The scope that a thing is in. `S` is a scope, which may itself be held by another. */
interface Holder<S> {
  readonly owner: string;
  /** It is no longer among what is held. */
  letGo(thing: Thing<S>): void;
  /** Gives it back, and says when that is done. */
  giveBack(thing: Thing<S>): Promise<void>;
}

export class Thing<S> implements Held, Holding {
  readonly kind: string;
  /** How it is given back, or the scope that it is. */
  readonly content: Dispose | S;
  /** Its neighbours in the scope. */
  older: Thing<S> | undefined = undefined;
  younger: Thing<S> | undefined = undefined;
  /** Its neighbours in the census. */
  earlier: Holding | undefined = undefined;
  later: Holding | undefined = undefined;
  readonly #holder: Holder<S>;
  #released: Promise<void> | undefined = undefined;

  constructor(holder: Holder<S>, kind: string, content: Dispose | S) {
    this.#holder = holder;
    this.kind = kind;
    this.content = content;
  }

  get owner(): string {
    return this.#holder.owner;
  }

  /** Nobody has begun to give it back. */
  get standing(): boolean {
    return this.#released === undefined;
  }

  release(): Promise<void> {
    if (this.#released) return this.#released;
    this.#holder.letGo(this);
    // Set before it is known: what is given back may ask for its own release.
    this.#released = BEGUN;
    this.#released = this.#holder.giveBack(this);
    return this.#released;
  }
}

const BEGUN: Promise<void> = Promise.resolve();
