/** What OpenTelemetry's own SDKs receive of a gateway. */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Observation, observe } from '../../src/observation.js';
import { WholeGateway } from '../gateway/whole-gateway.js';

const ERROR = 2;

let whole: WholeGateway;
let observation: Observation;
const spans = new InMemorySpanExporter();
const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
let meters: MeterProvider;
let metrics: InMemoryMetricExporter;

beforeEach(async () => {
  spans.reset();
  metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  meters = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 })],
  });
  whole = await WholeGateway.start({ session: { graceMs: 0 } });
  const { system, gateway } = whole;
  observation = observe({
    ...gateway,
    system,
    log: pino({ level: 'silent' }),
    ready: () => true,
    watchCollection: false,
    openTelemetry: { meter: meters.getMeter('sluice'), tracer: tracers.getTracer('sluice') },
  });
});

afterEach(async () => {
  await whole.stop();
  observation.stop();
  await meters.shutdown();
});

const finished = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);

interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: { readonly count: number; readonly sum?: number };
}

async function points(name: string): Promise<readonly Point[]> {
  await meters.forceFlush();
  const all =
    metrics
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  const found = all.find(({ descriptor }) => descriptor.name === name);
  return (found?.dataPoints ?? []) as unknown as Point[];
}

describe('a gateway with a tracer', () => {
  it('E-c makes one span for the start of a session and one for its end, and none for a stream', async () => {
    const { control } = await whole.hello('robot');
    await whole.watch('robot');
    expect(finished('sluice.session.start').map(({ attributes }) => attributes)).toEqual([
      { 'sluice.node_id': 'robot', 'sluice.resuming': false },
    ]);
    control.bye('done');
    await whole.pass(10);
    const [stop] = finished('sluice.session.stop');
    expect(stop?.attributes).toMatchObject({ 'sluice.node_id': 'robot' });
    expect(stop?.ended).toBe(true);
    expect(spans.getFinishedSpans()).toHaveLength(2);
  });

  it('E-c marks the start of one that was refused as failed, with the code', async () => {
    await expect(whole.hello('robot', { resumeToken: 'made-up' })).rejects.toThrow('unauthenticated');
    const [start] = finished('sluice.session.start');
    expect(start?.status).toEqual({ code: ERROR, message: 'unauthenticated' });
    expect(start?.attributes).toMatchObject({ 'error.type': 'unauthenticated', 'sluice.resuming': true });
  });
});

describe('a gateway with a meter', () => {
  it('E-c measures how long calls to it took, by method and status', async () => {
    await whole.hello('robot');
    const { call } = await whole.watch('robot');
    await whole.pass(2_000);
    call.peerCancelled();
    await whole.settle();
    const [point] = await points('rpc.server.call.duration');
    expect(point?.attributes).toEqual({
      'rpc.system.name': 'grpc',
      'rpc.method': 'sluice.v1.Gateway/Watch',
      'rpc.response.status_code': 'CANCELLED',
      'error.type': 'CANCELLED',
    });
    expect(point?.value).toMatchObject({ count: 1, sum: 2 });
  });

  it('E-c measures calls between clients, by how they ended', async () => {
    const { control } = await whole.hello('robot');
    control.call({ id: '1', procedure: 'nobody.has.it', payload: new Uint8Array(), timeoutMs: 100 });
    await whole.settle();
    const [point] = await points('sluice.call.duration');
    expect(point).toMatchObject({ attributes: { 'sluice.outcome': 'not_found' }, value: { count: 1 } });
  });
});
