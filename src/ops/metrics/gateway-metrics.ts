/**
 * A gateway's figures for Prometheus. What rises is tallied as it happens; everything else is read when somebody asks, and
 * at most once a second: what a scrape costs grows with the number of actors, and not with the number of those who ask.
 */
import { statfs } from 'node:fs/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Gateway } from '../../gateway/gateway.js';
import type { Telemetry } from '../../gateway/telemetry.js';
import type { System } from '../../otp/system.js';
import { METRICS, type Metric, type MetricName } from './catalogue.js';
import { Distributions } from './distributions.js';
import { processFigures } from './process-metrics.js';
import { type Counts, Tally } from './tally.js';
import { count, walk } from './walk.js';

export interface GatewayMetricsParts {
  readonly gateway: Gateway;
  readonly system: System;
  readonly telemetry: Telemetry;
  readonly version: string;
  readonly ready: () => boolean;
  /** Actors that ended a while ago and were not collected; absent where nobody watches for them. */
  readonly undisposed?: () => number | undefined;
}

const FRESH_MS = 1_000;
const SESSION_STATES = ['connecting', 'connected', 'grace'];
const CLUSTER_STATES = ['joining', 'up', 'fenced', 'halted', 'left', 'restarting'];
/** Counters whose labels are known beforehand: a rate from nothing to one is seen only where there was a zero. */
const ZEROS: Partial<Record<MetricName, readonly string[]>> = {
  sluice_reconnects_total: ['resumed', 'replaced', 'refused'],
  sluice_resurrections_total: ['started', 'failed', 'skipped'],
  sluice_stream_frames_total: ['in', 'out'],
  sluice_stream_bytes_total: ['in', 'out'],
  sluice_stream_drops_total: ['drop_oldest', 'drop_newest', 'latest', 'max_age', 'not_taken'],
  sluice_clients_rejected_total: ['max_clients_reached', 'max_streams_reached', 'draining', 'unauthenticated'],
  sluice_client_disconnects_total: ['inactivity', 'superseded', 'cancelled'],
};

export class GatewayMetrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms: Distributions;
  readonly #tally: Tally;
  readonly #parts: GatewayMetricsParts;
  #last: { readonly atMs: number; readonly text: Promise<string> } | undefined;

  constructor(parts: GatewayMetricsParts) {
    this.#parts = parts;
    this.contentType = this.#registry.contentType;
    for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
      if (!metric.optional && metric.type !== 'histogram') this.#make(name, metric);
    }
    const { system, telemetry, gateway } = parts;
    this.#histograms = new Distributions(system);
    this.#tally = new Tally({
      system,
      telemetry,
      onEvent: (listener) => gateway.onEvent(listener),
      observe: (name, value, label) => this.observe(name, value, label),
    });
  }

  /** Stops listening. What was counted stays. */
  close(): void {
    this.#tally.close();
    this.#last = undefined;
  }

  add(name: MetricName, amount: number): void {
    this.#tally.add(name, '', amount);
  }

  observe(name: MetricName, value: number, label?: string): void {
    this.#histograms.observe(name, value, label);
  }

  get undisposed(): number | undefined {
    return this.#parts.undisposed?.();
  }

  /** The exposition, not older than a second. */
  text(): Promise<string> {
    const nowMs = performance.now();
    if (this.#last && nowMs - this.#last.atMs < FRESH_MS) return this.#last.text;
    const text = this.fresh();
    this.#last = { atMs: nowMs, text };
    text.catch(() => {
      this.#last = undefined;
    });
    return text;
  }

  /** The exposition as of now, however often it is asked for. */
  async fresh(): Promise<string> {
    this.#refresh();
    await this.#diskFree();
    const [ours, node] = await Promise.all([this.#registry.metrics(), processFigures()]);
    return [ours, this.#histograms.text(), node].join('\n');
  }

  #refresh(): void {
    const { gateway, system, ready, version } = this.#parts;
    const rising = new Map<MetricName, Counts>();
    for (const name of this.#counters.keys() as MapIterator<MetricName>) {
      const counts = this.#tally.counts(name);
      for (const label of ZEROS[name] ?? ((METRICS[name] as Metric).label ? [] : [''])) count(counts, label, 0);
      rising.set(name, counts);
    }
    const seen = walk(system, (name, label, amount) => count(rising.get(name) as Counts, label, amount));
    count(rising.get('sluice_dead_letters_total') as Counts, '', system.deadLetters);
    for (const [name, counts] of rising) this.#setCounter(name, counts);

    this.#set('sluice_actors', seen.actors);
    this.#set('sluice_streams', seen.streams);
    this.#set('sluice_stream_queue_depth', seen.queued);
    this.#set('sluice_stream_stale', seen.stalled);
    this.#set('sluice_recorders', seen.recorders);
    if (seen.freeBytes.size > 0 || this.#gauges.has('sluice_recording_disk_free_bytes'))
      this.#set('sluice_recording_disk_free_bytes', seen.freeBytes);
    for (const depth of seen.waiting) this.observe('sluice_mailbox_depth', depth);

    const figures = gateway.resources();
    this.#set('sluice_build_info', new Map([[version, 1]]));
    this.#set('sluice_ready', ready() && !gateway.draining ? 1 : 0);
    this.#set('sluice_uptime_seconds', figures.uptimeSeconds);
    this.#set('sluice_clients', figures.clients);
    this.#set('sluice_clients_limit', gateway.options.limits.clients);
    this.#set('sluice_viewers', figures.viewers);
    this.#set('sluice_rooms', figures.rooms);
    this.#set('sluice_monitors', figures.monitors);
    this.#set('sluice_timers', figures.timers);
    this.#set('sluice_services', figures.services);
    this.#set('sluice_subscriptions', figures.topics);
    this.#set('sluice_rpc_pending', figures.calls);
    this.#set('sluice_orphans', figures.orphans);
    this.#set('sluice_sessions', tallied(gateway.sessions(), SESSION_STATES));
    this.#set('sluice_pool_connections', tallied(gateway.channels(), ['connecting', 'busy', 'idle', 'closing']));
    this.#cameras();
    this.#cluster();
    const { undisposed } = this;
    if (undisposed !== undefined) this.#set('sluice_undisposed_objects', undisposed);
  }

  #cameras(): void {
    const cameras = this.#parts.gateway.cameras();
    this.#set('sluice_cameras', tallied(cameras, ['idle', 'live', 'stale', 'backingOff', 'failed']));
    const connected = cameras.filter(({ state }) => state === 'live' || state === 'stale' || state === 'lingering');
    const oldestMs = connected.reduce((oldest, { dataAgeMs = 0 }) => Math.max(oldest, dataAgeMs), 0);
    this.#set('sluice_camera_data_age_seconds', oldestMs / 1_000);
  }

  #cluster(): void {
    const cluster = this.#parts.gateway.cluster();
    if (!cluster) return;
    this.#set('sluice_cluster_state', tallied([cluster], CLUSTER_STATES));
    this.#set('sluice_cluster_members', tallied(cluster.members, ['up', 'suspect']));
    this.#set('sluice_cluster_keys', cluster.keys);
  }

  async #diskFree(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs('.');
      this.#set('sluice_disk_free_bytes', bavail * bsize);
    } catch {
      // A working directory that has been removed under us has no disk to speak of; the other figures stand.
      this.#gauges.get('sluice_disk_free_bytes')?.remove();
    }
  }

  #make(name: string, { type, help, label }: Metric): void {
    const configuration = { name, help, labelNames: label ? [label] : [], registers: [this.#registry] };
    if (type === 'gauge') this.#gauges.set(name, new Gauge(configuration));
    else this.#counters.set(name, new Counter(configuration));
  }

  #set(name: MetricName, values: number | Counts): void {
    if (!this.#gauges.has(name)) this.#make(name, METRICS[name]);
    const gauge = this.#gauges.get(name) as Gauge;
    if (typeof values === 'number') {
      gauge.set(values);
      return;
    }
    gauge.reset();
    for (const [value, amount] of values) gauge.set({ [(METRICS[name] as Metric).label as string]: value }, amount);
  }

  #setCounter(name: MetricName, counts: Counts): void {
    const counter = this.#counters.get(name) as Counter;
    const { label } = METRICS[name] as Metric;
    counter.reset();
    for (const [value, amount] of counts) counter.inc(label ? { [label]: value } : {}, amount);
  }
}

function tallied(items: readonly { readonly state: string }[], zeros: readonly string[]): Counts {
  const counts: Counts = new Map(zeros.map((state) => [state, 0]));
  for (const { state } of items) count(counts, state, 1);
  return counts;
}
