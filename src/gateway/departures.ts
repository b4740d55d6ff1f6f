/** Things that are closed and not yet gone. Nobody stands still for them; who must know waits for one, or for all of them. */
export class Departures {
  readonly #leaving = new Set<Promise<void>>();

  /** Calls `gone` when it is: now, or when the promise settles. A closing that fails is one that is over. */
  add(leaving: Promise<void> | undefined, gone: () => void): void {
    if (!leaving) {
      gone();
      return;
    }
    const settled = leaving
      .catch(() => {})
      .then(() => {
        this.#leaving.delete(settled);
        gone();
      });
    this.#leaving.add(settled);
  }

  /** When all that are leaving now are gone; `undefined` when none is. */
  all(): Promise<void> | undefined {
    return this.#leaving.size === 0 ? undefined : Promise.all(this.#leaving).then(() => {});
  }
}
