/**
 * The client's and the session's chart as tables: which state follows which, by which event, with which effects. Each step is
 * XState's own, taken purely and once; an exploration asks for the same few steps millions of times.
 */
import { type AnyStateMachine, initialTransition, transition } from 'xstate';
import { clientMachine } from '../../machines/client.js';
import { sessionMachine } from '../../machines/session.js';
import type { ExitReason } from '../../machines/terms.js';
import { stateText } from '../../src/gateway/body.js';
import { describeReason } from '../../src/otp/exit-reason.js';

/** One state of a chart, with the reason that it has recorded. The same state is the same object. */
export interface ChartState {
  readonly name: string;
  readonly final: boolean;
  readonly reason: ExitReason;
  readonly snapshot: unknown;
}

export interface ChartStep {
  readonly state: ChartState;
  /** The effects that the step names, in order. */
  readonly effects: readonly string[];
}

export class Chart {
  readonly #machine: AnyStateMachine;
  readonly #input: unknown;
  readonly #states = new Map<string, ChartState>();
  readonly #steps = new Map<string, ChartStep>();

  constructor(machine: AnyStateMachine, input: unknown) {
    this.#machine = machine;
    this.#input = input;
  }

  get initial(): ChartStep {
    return this.#remember('', () => initialTransition(this.#machine, this.#input as never) as never);
  }

  step(state: ChartState, event: { readonly type: string; readonly reason?: ExitReason }): ChartStep {
    const reason = event.reason === undefined ? '' : describeReason(event.reason);
    return this.#remember(`${state.name} ${event.type} ${reason}`, () =>
      transition(this.#machine, state.snapshot as never, event as never),
    );
  }

  /** The event of a delay that is pending in this state. */
  delayed(state: ChartState, delay: string): { readonly type: string } | undefined {
    const nodes = (state.snapshot as { _nodes: { ownEvents: string[] }[] })._nodes;
    const type = nodes
      .flatMap(({ ownEvents }) => ownEvents)
      .find((event) => event.startsWith(`xstate.after.${delay}.`));
    return type === undefined ? undefined : { type };
  }

  #remember(key: string, take: () => readonly [unknown, readonly { readonly type: string }[]]): ChartStep {
    const known = this.#steps.get(key);
    if (known) return known;
    const [snapshot, actions] = take();
    const step = {
      state: this.#stateOf(snapshot),
      effects: actions.map(({ type }) => type).filter((type) => !type.startsWith('xstate.')),
    };
    this.#steps.set(key, step);
    return step;
  }

  #stateOf(snapshot: unknown): ChartState {
    const { value, context, status } = snapshot as {
      readonly value: unknown;
      readonly context: { readonly reason: ExitReason };
      readonly status: string;
    };
    const name = `${stateText(value)} ${describeReason(context.reason)}`;
    const known = this.#states.get(name);
    if (known) return known;
    const state: ChartState = { name, final: status === 'done', reason: context.reason, snapshot };
    this.#states.set(name, state);
    return state;
  }
}

export const clientChart = new Chart(clientMachine, { implicit: false, inactivityMs: 30_000, heartbeatMs: 5_000 });
export const sessionChart = new Chart(sessionMachine, { attachMs: 30_000, graceMs: 60_000 });
