/**
 * The flight recorder: the last steps of every actor, which event it took and in which state it was then, kept for a while
 * after its end. Nothing of what an event carries is kept: it costs no more for a large one, and tells no secret.
 *
 * Bounded in bytes: each actor has a slab of the same size, the dead give theirs to the living, the longest dead first, and
 * when all belong to the living, newcomers are not recorded and counted. Each step costs four numbers in a table.
 */
import type { EventObject } from 'xstate';
import { stateText } from '../../gateway/body.js';
import { describeReason } from '../../otp/exit-reason.js';
import type { Failure, Process } from '../../otp/process.js';
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

/** What is kept of one that has ended. Its failure is there in any case, for whoever asks why; it says the path and the end. */
interface Dead {
  readonly failure: Failure;
  readonly startedAtMs: number;
  readonly logic: object;
  readonly parentPath: string | undefined;
  readonly slab: number;
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
  readonly #byValue = new WeakMap<object, number>();
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
      if (event.type === 'process.down') this.#ended(event.process, event.failure);
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
      if (dead.failure.path === path) lives.push(this.#lived(dead));
    }
    for (const process of this.#system.processes) {
      if (process.path === path && process.flight !== 0) {
        const { kind, flight } = process;
        lives.push({ path, kind, ...about(process), end: undefined, ...this.#taken(flight) });
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
    // XState's own word to a parent that is no chart; a supervisor learns of an end by `child.exited`.
    const ofChild = event.type.startsWith('xstate.done.actor.');
    if (ofChild && (snapshot as { readonly machine?: unknown } | undefined)?.machine === undefined) return;
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
    // Without the child's name, of which there may be any number.
    const name = this.#events.number(ofChild ? 'xstate.done.actor' : event.type);
    this.#slabs.write(slab, this.#system.clock.wallMs(), name, state, words);
  }

  #enter(slab: number, value: unknown): void {
    this.#lastStates[slab] = this.#stateOf(value);
    this.#lastValues[slab] = value;
  }

  /** Actors in the same state share its value, so that its text is seldom made. */
  #stateOf(value: unknown): number {
    const shared = typeof value === 'object' && value !== null ? value : undefined;
    const known = shared && this.#byValue.get(shared);
    if (known !== undefined) return known;
    const state = this.#states.number(stateText(value));
    if (state !== UNKNOWN) this.#values[state] ??= value ?? 'running';
    if (shared) this.#byValue.set(shared, state);
    return state;
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

  #ended(process: Process, failure: Failure): void {
    const slab = process.flight;
    if (slab === 0) return;
    process.flight = 0;
    if (this.#deadNow === DEAD_MAX) this.#forgetLongestDead();
    const { startedAtMs, logic, parentPath } = about(process);
    // Its words are made when somebody asks for them.
    this.#dead[(this.#longest + this.#deadNow) % DEAD_MAX] = { failure, startedAtMs, logic, parentPath, slab };
    this.#deadNow += 1;
  }

  #forgetOld(): void {
    const oldestMs = this.#system.clock.wallMs() - this.#keepMs;
    while (this.#deadNow > 0 && (this.#dead[this.#longest] as Dead).failure.atMs <= oldestMs) this.#forgetLongestDead();
  }

  #forgetLongestDead(): void {
    const { slab } = this.#dead[this.#longest] as Dead;
    this.#dead[this.#longest] = undefined;
    this.#longest = (this.#longest + 1) % DEAD_MAX;
    this.#deadNow -= 1;
    this.#lastValues[slab] = undefined;
    this.#slabs.giveBack(slab);
  }

  #lived({ failure, slab, ...life }: Dead): Flight {
    const { path, kind, atMs } = failure;
    const end = { atMs, reason: describeReason(failure.reason).slice(0, 1_000) };
    return { path, kind, ...life, end, ...this.#taken(slab) };
  }

  #taken(slab: number): Pick<Flight, 'lost' | 'steps'> {
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
    return { lost: this.#slabs.lost(slab), steps };
  }
}

function about({ startedAtMs, parent, ref }: Process): Pick<Flight, 'startedAtMs' | 'logic' | 'parentPath'> {
  const { logic } = ref as unknown as { readonly logic: object };
  return { startedAtMs, logic, parentPath: parent?.path };
}
