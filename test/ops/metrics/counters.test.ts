/** What is counted when clients come, are lost, return, are refused and call each other; on virtual time. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/gateway/gateway-error.js';
import { type Observation, observe } from '../../../src/observation.js';
import { reasonWord } from '../../../src/ops/metrics/reason.js';
import { WholeGateway } from '../../gateway/whole-gateway.js';
import { parsed } from './exposition.js';

let whole: WholeGateway;
let observation: Observation;

async function begin(input: Parameters<typeof WholeGateway.start>[0] = {}): Promise<void> {
  whole = await WholeGateway.start(input);
  observation = observe({
    ...whole.gateway,
    system: whole.system,
    log: pino({ level: 'silent' }),
    ready: () => true,
    watchCollection: false,
    openTelemetry: {},
  });
}

beforeEach(() => begin());

afterEach(async () => {
  observation.stop();
  await whole.stop();
});

/** An answer may be a second old; here it is asked for anew. */
async function figures(): Promise<(series: string) => number | undefined> {
  const { series } = parsed(await observation.metrics.fresh());
  return (name) => series.get(name);
}

describe('the counters of a gateway', () => {
  it('E-c follow a client that is lost and returns, and one whose grace is over', async () => {
    const robot = await whole.hello('robot');
    await whole.hello('other');
    expect((await figures())('sluice_sessions{state="connected"}')).toBe(2);
    const [welcome] = robot.wire.of('welcome');
    robot.control.peerCancelled();
    await whole.pass(5_000);
    const lost = await figures();
    expect(lost('sluice_sessions{state="grace"}')).toBe(1);
    expect(lost('sluice_clients')).toBe(1);
    expect(lost('sluice_client_disconnects_total{reason="cancelled"}')).toBe(1);
    const again = await whole.hello('robot', { resumeToken: welcome?.resumeToken ?? '' });
    const back = await figures();
    expect(back('sluice_reconnects_total{outcome="resumed"}')).toBe(1);
    expect(back('sluice_reconnect_delay_seconds_count')).toBe(1);
    expect(back('sluice_reconnect_delay_seconds_sum')).toBeCloseTo(5, 1);
    again.control.peerCancelled();
    await whole.pass(61_000);
    const over = await figures();
    expect(over('sluice_grace_expired_total')).toBe(1);
    expect(over('sluice_session_dispose_seconds_count')).toBeGreaterThanOrEqual(1);
    // The other one has not beaten for all that time.
    expect(over('sluice_heartbeat_misses_total')).toBe(1);
    expect(over('sluice_client_disconnects_total{reason="inactivity"}')).toBe(1);
  });

  it('E-c tell replacement from refusal', async () => {
    await whole.hello('robot');
    await whole.hello('robot');
    await expect(whole.hello('robot', { resumeToken: 'made-up' })).rejects.toThrow('unauthenticated');
    const now = await figures();
    expect(now('sluice_reconnects_total{outcome="replaced"}')).toBe(1);
    expect(now('sluice_reconnects_total{outcome="refused"}')).toBe(1);
    expect(now('sluice_clients_rejected_total{reason="unauthenticated"}')).toBe(1);
  });

  it('E-c count clients for whom there is no room', async () => {
    observation.stop();
    await whole.stop();
    await begin({ limits: { clients: 1 } });
    await whole.hello('first');
    await expect(whole.hello('second')).rejects.toThrow('max_clients_reached');
    const now = await figures();
    expect(now('sluice_clients_rejected_total{reason="max_clients_reached"}')).toBe(1);
    expect(now('sluice_clients')).toBe(1);
    expect(now('sluice_clients_limit')).toBe(1);
  });

  it('E-c count restarts by the place of their supervisor, without ids', async () => {
    await whole.kill('sluice/cameras/camera:front');
    await whole.pass(100);
    await whole.kill('sluice/core/calls');
    await whole.settle();
    const now = await figures();
    expect(now('sluice_actor_restarts_total{supervisor="sluice/cameras"}')).toBe(1);
    expect(now('sluice_actor_restarts_total{supervisor="sluice/core"}')).toBeGreaterThanOrEqual(1);
    expect(now('sluice_down_total{reason="killed"}')).toBeGreaterThanOrEqual(2);
    expect(now('sluice_supervisor_gave_up_total')).toBe(0);
  });

  it('E-c measure calls between clients by how they end', async () => {
    const { control: provider } = await whole.hello('provider');
    const { control: caller } = await whole.hello('caller');
    provider.register('slow.one', 0);
    await whole.settle();
    caller.call({ id: '1', procedure: 'slow.one', payload: new Uint8Array(), timeoutMs: 100 });
    caller.call({ id: '2', procedure: 'nobody.has', payload: new Uint8Array(), timeoutMs: 100 });
    await whole.settle();
    expect((await figures())('sluice_rpc_pending')).toBe(1);
    await whole.pass(101);
    const now = await figures();
    expect(now('sluice_rpc_timeouts_total')).toBe(1);
    expect(now('sluice_rpc_seconds_count{outcome="timeout"}')).toBe(1);
    expect(now('sluice_rpc_seconds_sum{outcome="timeout"}')).toBeCloseTo(0.1, 2);
    expect(now('sluice_rpc_seconds_count{outcome="not_found"}')).toBe(1);
    expect(now('sluice_rpc_pending')).toBe(0);
    expect(now('sluice_services')).toBe(1);
  });

  it('E-c have no id in any label, whatever clients call themselves', async () => {
    const name = 'planted-node-id';
    await whole.hello(name);
    await whole.watch(name);
    await whole.pass(1_000);
    await whole.kill(`sluice/sessions/session:${name}`);
    await whole.pass(1_000);
    expect(await observation.metrics.fresh()).not.toContain('planted');
  });

  it('E-c never go down when what they counted ends', async () => {
    await whole.hello('robot');
    const { call } = await whole.watch('robot');
    await whole.pass(2_000);
    const out = 'sluice_stream_frames_total{direction="out"}';
    const frames = 'sluice_camera_frames_total';
    const during = await figures();
    expect(during(out)).toBeGreaterThan(10);
    call.peerCancelled();
    await whole.kill('sluice/cameras/camera:front');
    await whole.pass(1_000);
    const later = await figures();
    expect(later(out)).toBeGreaterThanOrEqual(during(out) as number);
    expect(later(frames)).toBeGreaterThanOrEqual(during(frames) as number);
  });
});

describe('a reason as a label', () => {
  it('is one of a few words, whatever was thrown', () => {
    expect(reasonWord('normal')).toBe('normal');
    expect(reasonWord({ shutdown: 'superseded' })).toBe('superseded');
    expect(reasonWord({ shutdown: new GatewayError('max_streams_reached', 'x') })).toBe('max_streams_reached');
    expect(reasonWord(new Error('anything at all'))).toBe('error');
    expect(reasonWord({ shutdown: 'a word of a host' })).toBe('other');
    expect(reasonWord({ shutdown: { deep: 1 } })).toBe('other');
  });
});
