/**
 * Hints: who was heard lately, and the monitors that hang on it. Like Erlang's `nodedown` a hint may be wrong; it is never used
 * to decide who owns what. Each monitor hears DOWN once.
 *
 * Source of the word: https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2 (`noconnection`, `noproc`).
 */
import type { Clock } from '../otp/clock.js';
import type { Known } from './directory.js';

/** `superseded`, `fenced` and `normal` are the truth about a key; `noconnection` is a hint about its node. */
export type DownReason = 'superseded' | 'noconnection' | 'fenced' | 'normal' | 'noproc';

export interface Down {
  readonly key: string;
  readonly node: string;
  readonly reason: DownReason;
}

interface Monitor {
  readonly key: string;
  readonly node: string;
  readonly claim: string;
  readonly onDown: (down: Down) => void;
}

export class Peers {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #heardMs = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #monitors = new Map<string, Set<Monitor>>();
  readonly #onSilence: (node: string, silent: boolean) => void;

  constructor(parts: {
    readonly clock: Clock;
    readonly silenceMs: number;
    /** A node has not been heard for its time, or is heard again. */
    readonly onSilence: (node: string, silent: boolean) => void;
  }) {
    this.#clock = parts.clock;
    this.#silenceMs = parts.silenceMs;
    this.#onSilence = parts.onSilence;
  }

  get monitors(): number {
    let count = 0;
    for (const set of this.#monitors.values()) count += set.size;
    return count;
  }

  silent(node: string): boolean {
    return this.#silent.has(node);
  }

  heard(node: string): void {
    this.#heardMs.set(node, this.#clock.now());
    if (this.#silent.delete(node)) this.#onSilence(node, false);
  }

  /** Its lease has ended: it is not waited for. */
  forget(node: string): void {
    this.#heardMs.delete(node);
    this.#silent.delete(node);
  }

  /** Called with each heartbeat of our own. */
  listen(): void {
    const nowMs = this.#clock.now();
    for (const [node, heardMs] of this.#heardMs) {
      if (nowMs - heardMs <= this.#silenceMs || this.#silent.has(node)) continue;
      this.#silent.add(node);
      this.#onSilence(node, true);
      for (const set of [...this.#monitors.values()]) {
        for (const monitor of [...set]) if (monitor.node === node) this.#down(monitor, 'noconnection');
      }
    }
  }

  /** Watches whoever owns the key now. A key that nobody owns is DOWN with `noproc` at once. @returns the undo. */
  monitor(key: string, known: Known | undefined, onDown: (down: Down) => void): () => void {
    const { node = '', claim = '' } = known?.record ?? {};
    const monitor: Monitor = { key, node, claim, onDown };
    if (node === '') {
      onDown({ key, node, reason: 'noproc' });
      return () => {};
    }
    const set = this.#monitors.get(key) ?? new Set();
    this.#monitors.set(key, set.add(monitor));
    if (this.#silent.has(node)) this.#down(monitor, 'noconnection');
    return () => this.#drop(monitor);
  }

  /** This node has lost its lease and with it everything it owned: whoever monitors that here is told before the records are. */
  fenced(self: string): void {
    for (const set of [...this.#monitors.values()]) {
      for (const monitor of [...set]) if (monitor.node === self) this.#down(monitor, 'fenced');
    }
  }

  /** A key has a new record. */
  changed(key: string, { record }: Known): void {
    for (const monitor of [...(this.#monitors.get(key) ?? [])]) {
      if (monitor.claim === record.claim) continue;
      this.#down(monitor, record.node !== '' ? 'superseded' : record.end === 'released' ? 'normal' : 'fenced');
    }
  }

  clear(): void {
    this.#monitors.clear();
    this.#heardMs.clear();
    this.#silent.clear();
  }

  #down(monitor: Monitor, reason: DownReason): void {
    this.#drop(monitor);
    monitor.onDown({ key: monitor.key, node: monitor.node, reason });
  }

  #drop(monitor: Monitor): void {
    const set = this.#monitors.get(monitor.key);
    set?.delete(monitor);
    if (set?.size === 0) this.#monitors.delete(monitor.key);
  }
}
