/** What a living gateway answers to Prometheus. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGateway, type SluiceGateway } from '../../../src/create-gateway.js';
import { METRICS, type Metric } from '../../../src/ops/metrics/catalogue.js';
import { exchange, opened, readUntil, request } from '../wire.js';
import { parsed } from './exposition.js';

const PAGE = new URL('../../../docs/metrics.md', import.meta.url);
const WAIT = { timeout: 5_000, interval: 100 };
const TOKEN = 'a-token-for-tests';

const INTRODUCTION = `# Metrics

What \`GET /metrics\` answers to Prometheus. Beside these there are the figures of the Node process under prom-client's names
(\`sluice_process_…\`, \`sluice_nodejs_…\`; garbage collections are measured while somebody asks). No id of anybody is ever a label. Generated from \`src/ops/metrics/catalogue.ts\`.

| name | type | label | what |
|---|---|---|---|
`;

function page(): string {
  const rows = (Object.entries(METRICS) as [string, Metric][]).map(
    ([name, { type, label, help }]) => `| \`${name}\` | ${type} | ${label ? `\`${label}\`` : ''} | ${help} |`,
  );
  return `${INTRODUCTION}${rows.join('\n')}\n`;
}

let gateway: SluiceGateway;
let port: number;

beforeEach(async () => {
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: TOKEN },
    cameras: [{ id: 'demo', source: 'clip:', lingerMs: 0 }],
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  port = Number(/\d+$/.exec(gateway.addresses.http ?? '')?.[0]);
});

afterEach(async () => {
  await gateway.stop({ deadlineMs: 0 });
  expect(gateway.census()).toEqual({});
});

const scrape = async () => {
  const answer = await exchange(port, request(port, 'GET', '/metrics'));
  expect(answer.status).toBe(200);
  expect(answer.head).toMatch(/content-type: text\/plain; version=0\.0\.4/i);
  return parsed(answer.body);
};

describe('the metrics of a gateway', () => {
  it('E-c are those that the catalogue lists, and no others', async () => {
    const { types } = await scrape();
    const ours = [...types.keys()].filter((name) => !/^sluice_(process|nodejs)_/.test(name)).sort();
    const listed = (Object.entries(METRICS) as [string, Metric][]).filter(([, { optional }]) => !optional);
    expect(ours).toEqual(listed.map(([name]) => name).sort());
    for (const [name, { type }] of listed) expect(types.get(name)).toBe(type);
    expect([...types.keys()]).toContain('sluice_nodejs_heap_size_used_bytes');
  });

  it('E-c are explained in a page that says what the catalogue says', () => {
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, page());
    expect(readFileSync(PAGE, 'utf8')).toBe(page());
  });

  it('E-c have names after the rules of Prometheus', () => {
    for (const [name, { type, help }] of Object.entries(METRICS) as [string, Metric][]) {
      expect(name).toMatch(/^sluice_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).toMatch(/^\S.+\.$/);
    }
  });

  it('go on counting what a viewer has received when it is gone', async () => {
    const before = await scrape();
    expect(before.series.get('sluice_streams{kind="watch"}')).toBeUndefined();
    const socket = await opened(port, request(port, 'GET', '/cameras/demo/live.mjpg'));
    await readUntil(socket, (read) => read.split('--sluice-frame\r\n').length > 3);
    // An answer may be a second old.
    const during = await vi.waitFor(async () => {
      const scraped = await scrape();
      expect(scraped.series.get('sluice_streams{kind="watch"}')).toBe(1);
      return scraped;
    }, WAIT);
    expect(during.series.get('sluice_cameras{state="live"}')).toBe(1);
    expect(during.series.get('sluice_actors{kind="camera"}')).toBe(1);
    const out = 'sluice_stream_frames_total{direction="out"}';
    const bytes = 'sluice_stream_bytes_total{direction="out"}';
    expect(during.series.get(out)).toBeGreaterThanOrEqual(2);
    expect(during.series.get(bytes)).toBeGreaterThan(2_000);
    socket.resetAndDestroy();
    await expect.poll(() => gateway.resources().viewers).toBe(0);
    const after = await vi.waitFor(async () => {
      const scraped = await scrape();
      expect(scraped.series.get('sluice_stream_duration_seconds_count{kind="watch"}')).toBe(1);
      return scraped;
    }, WAIT);
    expect(after.series.get(out)).toBeGreaterThanOrEqual(during.series.get(out) as number);
    expect(after.series.get(bytes)).toBeGreaterThanOrEqual(during.series.get(bytes) as number);
    expect(after.series.get('sluice_down_total{reason="cancelled"}')).toBe(1);
    expect(after.series.get('sluice_orphans')).toBe(0);
  });

  it('are not given to strangers, and not for a POST', async () => {
    const from = (headers: Record<string, string>) => exchange(port, request(port, 'GET', '/metrics', headers));
    expect((await from({ Host: 'attacker.example' })).status).toBe(403);
    expect((await from({ Origin: 'http://attacker.example' })).status).toBe(403);
    expect((await exchange(port, request(port, 'POST', '/metrics'))).status).toBe(405);
  });
});
