/** How often something was connected again lately, and when that is too often. */

export class ReconnectRate {
  readonly #max: number;
  readonly #perMs: number;
  /** When each of the latest was, the oldest first; no more than it takes to be too many. */
  readonly #atMs: number[] = [];
  #total = 0;
  #alerted = false;

  constructor({ reconnects, perMs }: { readonly reconnects: number; readonly perMs: number }) {
    this.#max = reconnects;
    this.#perMs = perMs;
  }

  get total(): number {
    return this.#total;
  }

  /** Within the time that ends now; what is more than one too many is not counted. */
  within(nowMs: number): number {
    while ((this.#atMs[0] ?? nowMs) <= nowMs - this.#perMs) this.#atMs.shift();
    return this.#atMs.length;
  }

  /** Counts one more. True when they have become too many; once, until they have been few again. */
  count(nowMs: number): boolean {
    this.#total += 1;
    this.#atMs.push(nowMs);
    if (this.#atMs.length > this.#max + 1) this.#atMs.shift();
    const tooMany = this.within(nowMs) > this.#max;
    const alert = tooMany && !this.#alerted;
    this.#alerted = tooMany;
    return alert;
  }
}
