/**
 * The flight recorder: the last steps of every actor, which event it took and in which state it was then, kept for a while
 * after its end. Nothing of what an event carries is kept: it costs no more for a large one, and tells no secret.
 *
 * Bounded in bytes: each actor has a slab of the same size, the dead give theirs to the living, the longest dead first, and
 * when all belong to the living, newcomers are not recorded and counted. Each step costs four numbers in a table.
 */
import type { EventObject } from 'xstate';
import { stateText } from '../../gateway/body.js';
import { describeReason, type ExitReason } from '../../otp/exit-reason.js';
import type { Process } from '../../otp/process.js';
import type { System } from '../../otp/system.js';
import { Said } from './said.js';
import { Slabs } from './slabs.js';

const BYTES_MAX = 8 * 1024 * 1024;
const KEEP_MS = 10 * 60_000;
/** Beside its slab a dead one costs its names. */
const DEAD_MAX = 5_000;
/** Numbers that a table of steps has room for. Names that come later are recorded as unknown. */
const NAMES_MAX = 65_535;
const UNKNOWN = 0;

export interface FlightRecorderOptions {
  /** Default 8 MiB, room for some 16,000 actors. */
  readonly bytesMax?: number;
  /** How long the dead are kept where there is room. Default ten minutes. */
  readonly keepMs?: number;
}

export interface FlightStep {
  readonly atMs: number;
  /** The type of the event that was taken; `xstate.init` is the beginning. */
  readonly event: string;
  /** What it said: its reason, its yes or no. Absent where it said nothing, or too long ago. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The state after it, as text and as XState's value. */
  readonly state: string;
  readonly value: unknown;
}

/** One life of an actor. */
export interface Flight {
  readonly path: string;
  readonly kind: string;
  readonly startedAtMs: number;
  /** Its logic, whose chart can be drawn. */
  readonly logic: object;
  readonly parentPath: string | undefined;
  /** Earlier steps that were written over. */
  readonly lost: number;
  readonly steps: readonly FlightStep[];
  /** Undefined while it lives. */
  readonly end: { readonly atMs: number; readonly reason: string } | undefined;
}

interface Dead {
  readonly path: string;
  readonly kind: string;
  readonly startedAtMs: number;
  readonly logic: object;
  readonly parentPath: string | undefined;
  readonly slab: number;
  readonly end: { readonly atMs: number; readonly reason: string };
}

/** Names by number and numbers by name; bounded. */
class Names {
  readonly #numbers = new Map<string, number>();
  readonly names: string[] = ['(unknown)'];

  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.names.length >= NAMES_MAX) return UNKNOWN;
    this.#numbers.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}

export class FlightRecorder {
  readonly #system: System;
  readonly #slabs: Slabs;
  readonly #keepMs: number;
  readonly #events = new Names();
  readonly #states = new Names();
  readonly #values: unknown[] = [undefined];
  readonly #said = new Said();
  /** By slab: the state that its actor is in. */
  readonly #lastStates: number[] = [];
  readonly #lastValues: unknown[] = [];
  /** A ring: the longest dead stands at `#longest`, the others after it. A set would have to step over those that left it. */
  readonly #dead: (Dead | undefined)[] = [];
  #longest = 0;
  #deadNow = 0;
  #unrecorded = 0;
  readonly #undo: () => void;

  constructor(system: System, { bytesMax = BYTES_MAX, keepMs = KEEP_MS }: FlightRecorderOptions = {}) {
    this.#system = system;
    this.#slabs = new Slabs(bytesMax);
    this.#keepMs = keepMs;
    system.onStep = (process, event, snapshot) => this.#took(process, event, snapshot);
    const unlisten = system.on((event) => {
      if (event.type === 'process.down') this.#ended(event.process, event.reason);
    });
    this.#undo = () => {
      system.onStep = undefined;
      unlisten();
    };
  }

  /** Records nothing from now on. */
  close(): void {
    this.#undo();
  }

  get counts(): { readonly bytes: number; readonly dead: number; readonly unrecorded: number } {
    return { bytes: this.#slabs.bytes, dead: this.#deadNow, unrecorded: this.#unrecorded };
  }

  /** The lives under this path that are still known, the last one last. */
  flights(path: string): readonly Flight[] {
    this.#forgetOld();
    const lives: Flight[] = [];
    for (let n = 0; n < this.#deadNow; n += 1) {
      const dead = this.#dead[(this.#longest + n) % DEAD_MAX] as Dead;
      if (dead.path === path) lives.push(this.#flight(dead));
    }
    for (const process of this.#system.processes) {
      if (process.path === path && process.flight !== 0) {
        lives.push(this.#flight({ ...about(process), slab: process.flight, end: undefined }));
      }
    }
    return lives;
  }

  /** The events that these living actors took last, by path. */
  lastEvents(paths: ReadonlySet<string>): ReadonlyMap<string, string> {
    const events = new Map<string, string>();
    for (const { path, flight } of this.#system.processes) {
      const event = flight !== 0 && paths.has(path) ? this.#slabs.lastEvent(flight) : undefined;
      if (event !== undefined) events.set(path, this.#events.names[event] ?? '');
    }
    return events;
  }

  #took(process: Process, event: EventObject, snapshot: unknown): void {
    // One that has ended is at its last event still: that step is not a beginning.
    if (process.flight === 0 && (!process.alive || !this.#begin(process))) return;
    const slab = process.flight;
    // Of an actor that threw the state is the one it had.
    if (snapshot !== undefined) {
      const { value } = snapshot as { readonly value?: unknown };
      // A chart's value is the same object for as long as it does not change.
      if (value !== this.#lastValues[slab] || this.#lastStates[slab] === UNKNOWN) this.#enter(slab, value);
    }
    const state = this.#lastStates[slab] as number;
    const words = this.#said.number(event);
    this.#slabs.write(slab, this.#system.clock.wallMs(), this.#events.number(event.type), state, words);
  }

  #enter(slab: number, value: unknown): void {
    const state = this.#states.number(stateText(value));
    if (state !== UNKNOWN) this.#values[state] ??= value ?? 'running';
    this.#lastStates[slab] = state;
    this.#lastValues[slab] = value;
  }

  #begin(process: Process): boolean {
    const slab = this.#take();
    if (slab === undefined) {
      this.#unrecorded += 1;
      return false;
    }
    process.flight = slab;
    this.#lastStates[slab] = UNKNOWN;
    return true;
  }

  #take(): number | undefined {
    this.#forgetOld();
    const slab = this.#slabs.take();
    if (slab !== undefined || this.#deadNow === 0) return slab;
    this.#forgetLongestDead();
    return this.#slabs.take();
  }

  #ended(process: Process, reason: ExitReason): void {
    const slab = process.flight;
    if (slab === 0) return;
    process.flight = 0;
    const end = { atMs: this.#system.clock.wallMs(), reason: describeReason(reason).slice(0, 1_000) };
    if (this.#deadNow === DEAD_MAX) this.#forgetLongestDead();
    this.#dead[(this.#longest + this.#deadNow) % DEAD_MAX] = { ...about(process), slab, end };
    this.#deadNow += 1;
  }

  #forgetOld(): void {
    const oldestMs = this.#system.clock.wallMs() - this.#keepMs;
    while (this.#deadNow > 0 && (this.#dead[this.#longest] as Dead).end.atMs <= oldestMs) this.#forgetLongestDead();
  }

  #forgetLongestDead(): void {
    const { slab } = this.#dead[this.#longest] as Dead;
    this.#dead[this.#longest] = undefined;
    this.#longest = (this.#longest + 1) % DEAD_MAX;
    this.#deadNow -= 1;
    this.#lastValues[slab] = undefined;
    this.#slabs.giveBack(slab);
  }

  #flight({ slab, ...life }: Omit<Dead, 'end'> & { readonly end: Flight['end'] }): Flight {
    const steps = this.#slabs.read(slab).map(({ atMs, event, state, words }): FlightStep => {
      const data = this.#said.data(words);
      return {
        atMs,
        event: this.#events.names[event] ?? '',
        ...(data ? { data } : {}),
        state: this.#states.names[state] ?? '',
        value: this.#values[state],
      };
    });
    return { ...life, lost: this.#slabs.lost(slab), steps };
  }
}

function about({ path, kind, startedAtMs, parent, ref }: Process): Omit<Dead, 'slab' | 'end'> {
  const { logic } = ref as unknown as { readonly logic: object };
  return { path, kind, startedAtMs, logic, parentPath: parent?.path };
}
