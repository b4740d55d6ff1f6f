/**
 * What a gateway does, for OpenTelemetry: how long calls took, and a span for each start and each end of a session. A stream
 * that is open for days is no span: nobody would ever see it. Only a host that passes a meter or a tracer pays for this, and
 * the package `@opentelemetry/api` is not asked for: what is used of it is named here, and whatever fits will do.
 */
import { StreamBody } from '../gateway/stream.js';
import type { Telemetry, TelemetryFact } from '../gateway/telemetry.js';
import type { GatewayEvent } from '../gateway/views.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { KernelEvent, System } from '../otp/system.js';

type Attributes = Record<string, string | number | boolean>;

/** Of a Meter of `@opentelemetry/api`, what is used. */
export interface MeterLike {
  createHistogram(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { record(value: number, attributes?: Attributes): void };
}

/** Of a Tracer of `@opentelemetry/api`, what is used. Times are milliseconds since 1970. */
export interface TracerLike {
  startSpan(
    name: string,
    options: { readonly startTime: number; readonly attributes: Attributes },
  ): {
    setAttribute(name: string, value: string): unknown;
    setStatus(status: { readonly code: 0 | 1 | 2; readonly message?: string }): unknown;
    end(endTime?: number): void;
  };
}

export interface OpenTelemetryOptions {
  readonly meter?: MeterLike | undefined;
  readonly tracer?: TracerLike | undefined;
}

export interface OpenTelemetryParts extends OpenTelemetryOptions {
  readonly system: System;
  readonly telemetry: Telemetry;
  readonly onEvent: (listener: (event: GatewayEvent) => void) => () => void;
  /** The name of the gRPC status that a peer is told for this reason. */
  readonly statusOf: (reason: ExitReason) => string;
}

const ERROR = 2;
/** Sessions whose end is under way, at most. */
const ENDING_MAX = 20_000;

/** gRPC methods by the kind of the stream that serves them. */
const METHODS: Readonly<Record<string, string>> = {
  control: 'sluice.v1.Gateway/Connect',
  watch: 'sluice.v1.Gateway/Watch',
  publish: 'sluice.v1.Gateway/Publish',
  call: 'sluice.v1.Gateway/Call',
};

/** Begins to tell. @returns the undo. */
export function tellOpenTelemetry(parts: OpenTelemetryParts): () => void {
  const undo: (() => void)[] = [];
  if (parts.meter) undo.push(...measured(parts, parts.meter));
  if (parts.tracer) undo.push(...traced(parts, parts.tracer));
  return () => {
    for (const one of undo) one();
  };
}

function measured({ system, telemetry, statusOf }: OpenTelemetryParts, meter: MeterLike): (() => void)[] {
  const served = meter.createHistogram('rpc.server.call.duration', {
    description: 'How long calls to this gateway took, streams included.',
    unit: 's',
  });
  const between = meter.createHistogram('sluice.call.duration', {
    description: 'How long calls between clients took, by how they ended.',
    unit: 's',
  });
  return [
    system.on((event) => {
      if (event.type !== 'process.down' || !(event.process.body instanceof StreamBody)) return;
      const { body, startedAtMs } = event.process;
      const method = methodOf(body);
      if (method === undefined) return;
      const status = statusOf(event.reason);
      served.record((system.clock.wallMs() - startedAtMs) / 1_000, {
        'rpc.system.name': 'grpc',
        'rpc.method': method,
        'rpc.response.status_code': status,
        ...(status === 'OK' ? {} : { 'error.type': status }),
      });
    }),
    telemetry.on((fact) => {
      if (fact.type === 'call.ended') between.record(fact.ms / 1_000, { 'sluice.outcome': fact.outcome });
    }),
  ];
}

/** `undefined` for what did not come over gRPC: viewers over HTTP belong to nobody. */
function methodOf(body: StreamBody): string | undefined {
  return body.nodeId === '' ? undefined : METHODS[body.kind];
}

function traced({ system, telemetry, onEvent }: OpenTelemetryParts, tracer: TracerLike): (() => void)[] {
  const ending = new Map<string, ReturnType<TracerLike['startSpan']>>();
  const wallMs = (): number => system.clock.wallMs();
  const fact = (told: TelemetryFact): void => {
    if (told.type === 'call.ended') return;
    const attributes: Attributes = { 'sluice.resuming': told.resuming };
    if (told.type === 'client.welcomed') attributes['sluice.node_id'] = told.nodeId;
    const span = tracer.startSpan('sluice.session.start', { startTime: wallMs() - told.ms, attributes });
    if (told.type === 'client.refused') {
      span.setAttribute('error.type', told.code);
      span.setStatus({ code: ERROR, message: told.code });
    }
    span.end(wallMs());
  };
  const event = ({ type, actor, reason = '', detail }: GatewayEvent): void => {
    if (type !== 'session.disposed' || ending.size >= ENDING_MAX) return;
    const attributes = { 'sluice.node_id': String(detail?.['nodeId'] ?? ''), 'sluice.reason': reason };
    ending.set(actor, tracer.startSpan('sluice.session.stop', { startTime: wallMs(), attributes }));
  };
  const kernel = (told: KernelEvent): void => {
    if (told.type !== 'process.down' || ending.size === 0) return;
    const span = ending.get(told.process.path);
    if (!span) return;
    ending.delete(told.process.path);
    span.end(wallMs());
  };
  const endAll = (): void => {
    for (const span of ending.values()) span.end(wallMs());
    ending.clear();
  };
  return [telemetry.on(fact), onEvent(event), system.on(kernel), endAll];
}
