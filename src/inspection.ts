/** What a host's `inspect` means: an observer of its own, or the Stately inspector on a port of this gateway. */
import { Listener } from './listener.js';
import { ActorObserver } from './ops/inspector/observer.js';
import { type StatelyInspector, startStatelyInspector } from './ops/inspector/stately-server.js';
import type { System, SystemOptions } from './otp/system.js';

/**
 * `true`: the Stately inspector on a free loopback port; it needs the optional peer `@statelyai/inspect`, without which the
 * start rejects. With `port`, on that one. Anything else is an observer of XState's inspection, as XState itself takes it.
 */
export type Inspect = boolean | { readonly port: number } | NonNullable<SystemOptions['inspect']>;

export interface Inspection {
  /** For XState, from the first step of the first actor on. */
  readonly observer: SystemOptions['inspect'];
  /** For the Stately inspector, which is nobody's cost until it is opened. */
  listener(system: System): Listener<StatelyInspector> | undefined;
}

export function inspectionOf(inspect: Inspect = false): Inspection {
  if (inspect === false) return { observer: undefined, listener: () => undefined };
  const wanted = inspect === true ? { port: 0 } : inspect;
  if (!('port' in wanted)) return { observer: wanted, listener: () => undefined };
  const listener = (system: System): Listener<StatelyInspector> => {
    const actors = new ActorObserver();
    actors.observe(system);
    return new Listener(async (port = wanted.port) => startStatelyInspector(actors, { port }));
  };
  return { observer: undefined, listener };
}
