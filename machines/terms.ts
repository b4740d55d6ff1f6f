/**
 * The vocabulary that every chart and every actor shares: why something ended, how a child is started again and how it is
 * stopped. The words and their spelling are OTP's (https://www.erlang.org/doc/system/sup_princ.html).
 */

/** Details that the gateway puts into `{ shutdown: … }`. They are stable: logs, events and gRPC statuses carry them. */
export type ShutdownDetail =
  | 'bye'
  | 'cancelled'
  | 'client_gone'
  | 'deadline_exceeded'
  | 'drain'
  | 'ended'
  | 'fenced'
  | 'grace_expired'
  | 'heartbeat_missed'
  | 'inactivity'
  | 'max_clients_reached'
  | 'never_attached'
  | 'refused'
  | 'room_lost'
  | 'source_failed'
  | 'slow_consumer'
  | 'stopped'
  | 'superseded'
  | 'transport_lost';

/**
 * Why an actor ended.
 *
 * `normal`, `shutdown` and `{ shutdown: detail }` are clean: a `transient` child that ends so is not started again.
 * Everything else is abnormal: `killed` (an untrappable kill), `noproc` (there was nothing to talk to), `noconnection`
 * (its node was lost), `timeout`, `calling_self` and `mailbox_full` (a call without an
 * answer), or the error it died of.
 */
export type ExitReason =
  | 'normal'
  | 'shutdown'
  | 'killed'
  | 'kill'
  | 'noproc'
  | 'noconnection'
  | 'timeout'
  | 'calling_self'
  | 'mailbox_full'
  | { readonly shutdown: unknown }
  | Error;

/** When a child is started again: always, unless it ended cleanly, or never. */
export type Restart = 'permanent' | 'transient' | 'temporary';

/** How a child is stopped: at once and untrappably, by asking and waiting so many milliseconds, or by waiting for ever. */
export type Shutdown = 'brutal_kill' | 'infinity' | number;

/** What a crash of one child means for its siblings. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one';

/** Whether a supervisor ends when significant children end by themselves. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/** The request by which a supervisor asks a child to end. A chart that names this event traps exits: it may end in its own time. */
export interface StopRequest {
  readonly type: 'supervisor.stop';
  readonly reason: ExitReason;
}

/**
 * The body of an effect that a chart names and its runtime has to give by `machine.provide`.
 * A forgotten effect fails on its first run, by name.
 */
export function unprovided(effect: string): never {
  throw new Error(`the effect "${effect}" was not provided to the chart`);
}

/** `{ shutdown: detail }`, with the detail checked against the gateway's list. */
export function shutdownBecause(detail: ShutdownDetail): ExitReason {
  return { shutdown: detail };
}
