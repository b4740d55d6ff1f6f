/** What a supervisor is told of itself, with OTP's defaults and OTP's refusals. */
import type { AutoShutdown, Strategy } from '../../machines/terms.js';
import { type ChildSpec, completeSpec, type FullChildSpec, type SpecFault, specFault } from './child-spec.js';

export interface SupervisorOptions {
  /** The children that are started with it, in this order. Under `simple_one_for_one` exactly one: the template. */
  readonly children?: readonly ChildSpec[];
  /** Default `one_for_one`. */
  readonly strategy?: Strategy;
  /** Restarts allowed within `period`; one more and the supervisor gives up. Default 1. */
  readonly intensity?: number;
  /** Seconds, counted whole. Default 5. */
  readonly period?: number;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown;
  /** Children beyond this number are refused with `max_children`. Default no limit. Not in OTP. */
  readonly maxChildren?: number;
  /** Stop all children at once instead of one after the other. Default false; `simple_one_for_one` always does. */
  readonly parallelStop?: boolean;
}

export type FullSupervisorOptions = Required<Omit<SupervisorOptions, 'children'>> & {
  readonly children: readonly FullChildSpec[];
};

/** What is wrong with the options of a supervisor. The codes are OTP's. */
export type OptionsFault =
  | {
      readonly code: 'supervisor_data';
      readonly reason: 'invalid_strategy' | 'invalid_intensity' | 'invalid_period' | 'invalid_auto_shutdown';
    }
  | { readonly code: 'bad_start_spec' }
  | {
      readonly code: 'start_spec';
      readonly reason: SpecFault | { readonly code: 'duplicate_child_name'; readonly id: string };
    };

/** A supervisor cannot be made of these options. */
export class SupervisorOptionsError extends TypeError {
  readonly fault: OptionsFault;

  constructor(message: string, fault: OptionsFault) {
    super(`supervisor: ${message}`);
    this.name = 'SupervisorOptionsError';
    this.fault = fault;
  }
}

const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];
const AUTO_SHUTDOWNS = ['never', 'any_significant', 'all_significant'];

/** The options with their defaults. Throws what is wrong with them, naming the field. */
export function checkedOptions(options: SupervisorOptions): FullSupervisorOptions {
  const full: FullSupervisorOptions = {
    children: (options.children ?? []).map(completeSpec),
    strategy: options.strategy ?? 'one_for_one',
    intensity: options.intensity ?? 1,
    period: options.period ?? 5,
    autoShutdown: options.autoShutdown ?? 'never',
    maxChildren: options.maxChildren ?? Number.POSITIVE_INFINITY,
    parallelStop: options.parallelStop ?? false,
  };
  const { strategy, intensity, period, autoShutdown, children } = full;
  if (!STRATEGIES.includes(strategy)) refuse('invalid_strategy', 'strategy', STRATEGIES.join(', '), strategy);
  if (!Number.isInteger(intensity) || intensity < 0)
    refuse('invalid_intensity', 'intensity', 'an integer of 0 or more', intensity);
  if (!Number.isInteger(period) || period <= 0)
    refuse('invalid_period', 'period', 'whole seconds, more than 0', period);
  if (!AUTO_SHUTDOWNS.includes(autoShutdown))
    refuse('invalid_auto_shutdown', 'autoShutdown', AUTO_SHUTDOWNS.join(', '), autoShutdown);
  if (strategy === 'simple_one_for_one' && children.length !== 1) {
    const message = `children must be one template under simple_one_for_one, not ${children.length}`;
    throw new SupervisorOptionsError(message, { code: 'bad_start_spec' });
  }
  const ids = new Set<string>();
  for (const spec of children) {
    const { id } = spec;
    const reason = ids.has(id) ? { code: 'duplicate_child_name' as const, id } : specFault(spec, autoShutdown);
    if (reason) {
      const message = `child "${id}": ${JSON.stringify(reason)}`;
      throw new SupervisorOptionsError(message, { code: 'start_spec', reason });
    }
    ids.add(id);
  }
  return full;
}

type FlagFault = Extract<OptionsFault, { code: 'supervisor_data' }>['reason'];

function refuse(reason: FlagFault, field: string, expected: string, came: unknown): never {
  const message = `${field} must be ${expected}, not ${String(came)}`;
  throw new SupervisorOptionsError(message, { code: 'supervisor_data', reason });
}
