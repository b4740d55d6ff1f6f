/**
 * Everything that looks at a gateway, in one place: the log, the metrics, `diagnostics_channel`, OpenTelemetry, the flight
 * recorder, and the actor that keeps an eye on the process. Each is a listener; the gateway runs the same without them.
 */
import { status as Status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { GatewayTree } from './application.js';
import { publishDiagnostics } from './gateway/diagnostics.js';
import { statusOfReason } from './grpc/status.js';
import { VERSION } from './grpc/version.js';
import { FlightRecorder } from './ops/flight/recorder.js';
import { logEvents } from './ops/log.js';
import { GatewayMetrics } from './ops/metrics/gateway-metrics.js';
import { type OpenTelemetryOptions, tellOpenTelemetry } from './ops/open-telemetry.js';
import { Watch } from './ops/watch.js';
import type { ChildSpec } from './otp/child-spec.js';
import type { System } from './otp/system.js';

export interface ObservationParts extends Pick<GatewayTree, 'live' | 'chronicle' | 'telemetry'> {
  readonly system: System;
  readonly log: Logger;
  /** Every port is bound. */
  readonly ready: () => boolean;
  readonly watchCollection: boolean;
  readonly openTelemetry: OpenTelemetryOptions;
  /** Whether the steps of actors are recorded. Default true. */
  readonly flight?: boolean;
}

export interface Observation {
  readonly metrics: GatewayMetrics;
  readonly flights: FlightRecorder | undefined;
  /** To be told how long connections took to answer. */
  readonly pinged: (ms: number) => void;
  /** To be started with the listeners. */
  readonly watch: ChildSpec;
  /** Stops listening; the last thing that is done. */
  stop(): void;
}

export function observe(parts: ObservationParts): Observation {
  const { system, live, chronicle, telemetry, log, ready, watchCollection } = parts;
  const onEvent: typeof live.onEvent = (listener) => live.onEvent(listener);
  const metrics: GatewayMetrics = new GatewayMetrics({
    gateway: live,
    system,
    telemetry,
    version: VERSION,
    ready,
    undisposed: () => watch.undisposed,
  });
  const watch = new Watch({
    system,
    chronicle,
    resources: () => live.resources(),
    lag: (seconds) => metrics.observe('sluice_event_loop_lag_seconds', seconds),
    spent: (seconds) => metrics.add('sluice_watch_seconds_total', seconds),
    collection: watchCollection,
  });
  const flights = (parts.flight ?? true) ? new FlightRecorder(system) : undefined;
  const undo = [
    logEvents(log, live),
    publishDiagnostics(system, telemetry, live.options.node.id),
    tellOpenTelemetry({
      ...parts.openTelemetry,
      system,
      telemetry,
      onEvent,
      statusOf: (reason) => Status[statusOfReason(reason).code] ?? 'UNKNOWN',
    }),
    () => metrics.close(),
    () => flights?.close(),
  ];
  return {
    metrics,
    flights,
    pinged: (ms) => metrics.observe('sluice_heartbeat_rtt_seconds', ms / 1_000),
    watch: { id: 'event-loop', start: watch.start },
    stop: () => {
      for (const one of undo) one();
    },
  };
}
