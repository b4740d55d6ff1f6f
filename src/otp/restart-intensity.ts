/**
 * OTP's restart window: monotonic time in whole seconds, inclusive at its far end. A restart exactly one period old still
 * counts: a child that fails on a beat equal to the period must still be caught.
 * Source: https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity
 */
export class RestartIntensity {
  readonly #intensity: number;
  readonly #periodSeconds: number;
  #stamps: number[] = [];

  constructor(intensity: number, periodSeconds: number) {
    this.#intensity = intensity;
    this.#periodSeconds = periodSeconds;
  }

  /** Records a restart at `nowMs`. False when it is one too many: then it must not be done. */
  allows(nowMs: number): boolean {
    const now = Math.floor(nowMs / 1_000);
    const oldest = now - this.#periodSeconds;
    // Stamps are in order, so those that have left the window are at the front.
    let gone = 0;
    while (gone < this.#stamps.length && (this.#stamps[gone] as number) < oldest) gone += 1;
    if (gone > 0) this.#stamps = this.#stamps.slice(gone);
    this.#stamps.push(now);
    return this.#stamps.length <= this.#intensity;
  }
}
