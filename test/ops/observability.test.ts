/** The dashboard and the alert rules that ship: they ask for what is measured, and each rule fires when it should and only then. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createGateway } from '../../src/create-gateway.js';
import { METRICS, type Metric } from '../../src/ops/metrics/catalogue.js';
import { parsed } from './metrics/exposition.js';
import { exchange, request } from './wire.js';

const file = (path: string) => new URL(`../../${path}`, import.meta.url);
const ALERTS = file('observability/alerts.yaml');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const rules: readonly Rule[] = parse(readFileSync(ALERTS, 'utf8')).groups[0].rules;
const dashboard = JSON.parse(readFileSync(file('observability/dashboard.json'), 'utf8'));
const queries: readonly string[] = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
  targets.map(({ expr }) => expr),
);

/** What each rule is tried on, a minute per value: a gateway in trouble, with the labels of the alert, and a quiet one. */
interface Case {
  readonly trouble: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
  readonly at: string;
  /** Labels that the expression keeps, besides the severity. */
  readonly labels?: Readonly<Record<string, string>>;
}

const CASES: Readonly<Record<string, Case>> = {
  SluiceOrphans: { trouble: { sluice_orphans: '1x10' }, quiet: { sluice_orphans: '0x10' }, at: '5m' },
  SluiceGaveUp: {
    trouble: { sluice_supervisor_gave_up_total: '0 0 1 1 1 1', sluice_child_gave_up_total: '0x6' },
    quiet: { sluice_supervisor_gave_up_total: '3x6', sluice_child_gave_up_total: '2x6' },
    at: '5m',
  },
  SluiceCrashLoop: {
    trouble: { 'sluice_actor_restarts_total{supervisor="sluice/cameras"}': '0+2x20' },
    quiet: { 'sluice_actor_restarts_total{supervisor="sluice/cameras"}': '5x18 6 6' },
    labels: { supervisor: 'sluice/cameras' },
    at: '15m',
  },
  SluiceManyReconnects: {
    trouble: { 'sluice_reconnects_total{outcome="resumed"}': '0+200x20', sluice_clients: '1000x20' },
    quiet: { 'sluice_reconnects_total{outcome="resumed"}': '0+10x20', sluice_clients: '1000x20' },
    at: '15m',
  },
  SluiceNearClientLimit: {
    trouble: { sluice_clients: '900x20', sluice_clients_limit: '1000x20' },
    quiet: { sluice_clients: '800x20', sluice_clients_limit: '1000x20' },
    at: '10m',
  },
  SluiceClientsRefused: {
    trouble: { 'sluice_clients_rejected_total{reason="max_clients_reached"}': '0 0 3 3 3' },
    quiet: { 'sluice_clients_rejected_total{reason="unauthenticated"}': '0 0 3 3 3' },
    labels: { reason: 'max_clients_reached' },
    at: '4m',
  },
  SluiceEventLoopLag: {
    trouble: lag('0+10x20'),
    quiet: lag('0+600x20'),
    at: '15m',
  },
  SluiceDrops: {
    trouble: drops('0+100x30'),
    quiet: drops('0+1x30'),
    at: '20m',
  },
  SluiceStalledStreams: {
    trouble: { sluice_stream_stale: '2x10' },
    quiet: { sluice_stream_stale: '0 1 0x8' },
    at: '8m',
  },
  SluiceCamerasWithoutData: {
    trouble: { 'sluice_cameras{state="stale"}': '1x10', 'sluice_cameras{state="live"}': '3x10' },
    quiet: { 'sluice_cameras{state="stale"}': '0x10', 'sluice_cameras{state="live"}': '4x10' },
    at: '8m',
  },
  SluiceCallTimeouts: {
    trouble: { sluice_rpc_timeouts_total: '0+50x20', 'sluice_rpc_seconds_count{outcome="timeout"}': '0+50x20' },
    quiet: { sluice_rpc_timeouts_total: '0+1x20', 'sluice_rpc_seconds_count{outcome="answered"}': '0+50x20' },
    at: '15m',
  },
  SluiceFenced: {
    trouble: { sluice_cluster_fenced_total: '0 0 1 1 1', 'sluice_cluster_state{state="fenced"}': '0x5' },
    quiet: { sluice_cluster_fenced_total: '1x5', 'sluice_cluster_state{state="up"}': '1x5' },
    at: '4m',
  },
  SluiceClusterSuspects: {
    trouble: { 'sluice_cluster_members{state="suspect"}': '1x5' },
    quiet: { 'sluice_cluster_members{state="up"}': '3x5' },
    labels: { state: 'suspect' },
    at: '4m',
  },
  SluiceDiskLow: {
    trouble: { sluice_disk_free_bytes: '1000000000x10' },
    quiet: { sluice_disk_free_bytes: '90000000000x10' },
    at: '8m',
  },
  SluiceNotRecording: {
    trouble: { 'sluice_recorders{state="backingOff"}': '1x10', 'sluice_recorders{state="recording"}': '3x10' },
    quiet: { 'sluice_recorders{state="backingOff"}': '0 1 0x8', 'sluice_recorders{state="recording"}': '4x10' },
    at: '5m',
  },
  SluiceRecordingDrops: {
    trouble: { sluice_recording_drops_total: '0+30x20', sluice_recording_frames_total: '0+900x20' },
    quiet: { sluice_recording_drops_total: '0+1x20', sluice_recording_frames_total: '0+900x20' },
    at: '15m',
  },
  SluiceAbandoned: {
    trouble: { sluice_abandoned_total: '0 0 1 1' },
    quiet: { sluice_abandoned_total: '4x4' },
    at: '3m',
  },
  SluiceUndisposed: {
    trouble: { sluice_undisposed_objects: '500x30' },
    quiet: { sluice_undisposed_objects: '20x30' },
    at: '20m',
  },
};

/** So many looks within a quarter of a second, of 600 a minute. */
function lag(inTime: string): Readonly<Record<string, string>> {
  return {
    'sluice_event_loop_lag_seconds_bucket{le="0.25"}': inTime,
    'sluice_event_loop_lag_seconds_bucket{le="0.5"}': '0+600x20',
    'sluice_event_loop_lag_seconds_bucket{le="+Inf"}': '0+600x20',
  };
}

function drops(lost: string): Readonly<Record<string, string>> {
  return {
    'sluice_stream_drops_total{policy="drop_oldest"}': lost,
    'sluice_stream_frames_total{direction="out"}': '0+1000x30',
  };
}

const promtoolIsThere = (() => {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (!promtoolIsThere && process.env['CI'])
  throw new Error('promtool is not there; install the Debian package prometheus');

let folder: string;
let scraped: ReadonlySet<string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
  const gateway = createGateway({ grpc: { port: 0 }, http: { port: 0 }, logger: pino({ level: 'silent' }) });
  await gateway.start();
  const port = Number(/\d+$/.exec(gateway.addresses.http ?? '')?.[0]);
  const { types } = parsed((await exchange(port, request(port, 'GET', '/metrics'))).body);
  await gateway.stop({ deadlineMs: 0 });
  const optional = (Object.entries(METRICS) as [string, Metric][]).filter(([, metric]) => metric.optional);
  scraped = new Set([...types.keys(), ...optional.map(([name]) => name)]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const namesIn = (query: string) =>
  [...query.matchAll(/sluice_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));

function promtool(...args: readonly string[]): string {
  return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The label of a metric that an alert keeps of its series. */
function seriesOf(values: Readonly<Record<string, string>>) {
  return Object.entries(values).map(([series, one]) => {
    const [name, labels = ''] = series.replace('}', '').split('{');
    return { series: `${name}{instance="a"${labels === '' ? '' : `,${labels}`}}`, values: one };
  });
}

describe('the alert rules', () => {
  it('E-c ask only for what a living gateway measures, with the labels that it has', () => {
    for (const { alert, expr } of rules) {
      expect(namesIn(expr).length, alert).toBeGreaterThan(0);
      expect(namesIn(expr).filter((name) => !scraped.has(name))).toEqual([]);
      for (const [, name, label] of expr.matchAll(/(sluice_[a-z_]+)\{(\w+)/g)) {
        expect((METRICS as Record<string, Metric>)[name as string]?.label, `${alert}: ${name}`).toBe(label);
      }
    }
  });

  it('E-c each have an entry in the runbook, and the runbook has no others', () => {
    const runbook = readFileSync(file('docs/runbook.md'), 'utf8');
    const entries = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, entry]) => entry);
    expect(entries.sort()).toEqual(rules.map(({ alert }) => alert).sort());
    for (const { alert, annotations } of rules) {
      expect(annotations['runbook_url']).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    }
  });

  it('E-c each have a case to try', () => {
    expect(Object.keys(CASES).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it.skipIf(!promtoolIsThere)('E-c are valid (promtool)', () => {
    expect(promtool('check', 'rules', ALERTS.pathname)).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  for (const rule of rules) {
    it.skipIf(!promtoolIsThere)(`E-c ${rule.alert} fires in trouble, and not on a quiet day (promtool)`, () => {
      const { trouble, quiet, at, labels = {} } = CASES[rule.alert] as Case;
      const expected = { exp_labels: { instance: 'a', ...labels, ...rule.labels }, exp_annotations: rule.annotations };
      const tests = [
        { name: 'trouble', series: trouble, alerts: [expected] },
        { name: 'quiet', series: quiet, alerts: [] },
      ].map(({ name, series, alerts }) => ({
        name: `${rule.alert}: ${name}`,
        interval: '1m',
        input_series: seriesOf(series),
        alert_rule_test: [{ eval_time: at, alertname: rule.alert, exp_alerts: alerts }],
      }));
      const path = join(folder, `${rule.alert}.yaml`);
      writeFileSync(path, stringify({ rule_files: [ALERTS.pathname], evaluation_interval: '1m', tests }));
      expect(promtool('test', 'rules', path)).toContain('SUCCESS');
    });
  }
});

describe('the dashboard', () => {
  it('E-c asks only for what a living gateway measures', () => {
    expect(queries.length).toBeGreaterThan(30);
    expect(queries.flatMap(namesIn).filter((name) => !scraped.has(name))).toEqual([]);
  });

  it('has a panel for each part, without two in one place', () => {
    const places = dashboard.panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x},${y}`);
    expect(new Set(places).size).toBe(dashboard.panels.length);
    expect(new Set(dashboard.panels.map(({ id }: { id: number }) => id)).size).toBe(dashboard.panels.length);
  });

  it.skipIf(!promtoolIsThere)('E-c asks in queries that are valid (promtool)', () => {
    const recorded = queries.map((expr, at) => ({
      record: `dashboard:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    const path = join(folder, 'dashboard.yaml');
    writeFileSync(path, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    expect(promtool('check', 'rules', path)).toContain(`SUCCESS: ${queries.length} rules found`);
  });
});
