/**
 * Figures of the Node process under the names that prom-client gives them. They are the process's and not a gateway's, so
 * there is one set however many gateways there are.
 *
 * prom-client's own set is not used: once made, it looks at the event loop and keeps account of each garbage collection for
 * ever, also when nobody asks any more. Here everything is read when somebody asks; only collections are listened to, and only
 * while somebody has asked within the last minutes.
 */
import { readdirSync } from 'node:fs';
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** So long after the last question collections are still measured. */
const ASKED_MS = 180_000;
const KINDS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

let figures: ProcessFigures | undefined;

/** The figures as of now, as Prometheus reads them. */
export function processFigures(): Promise<string> {
  figures ??= new ProcessFigures();
  return figures.text();
}

class ProcessFigures {
  readonly #registry = new Registry();
  readonly #cpu = {
    user: this.#counter('process_cpu_user_seconds_total', 'User CPU time spent in seconds.'),
    system: this.#counter('process_cpu_system_seconds_total', 'System CPU time spent in seconds.'),
    both: this.#counter('process_cpu_seconds_total', 'User and system CPU time spent in seconds.'),
  };
  readonly #start = this.#gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970.');
  readonly #files = this.#gauge('process_open_fds', 'Open file descriptors; on Linux.');
  readonly #resident = this.#gauge('process_resident_memory_bytes', 'Resident memory in bytes.');
  readonly #heapTotal = this.#gauge('nodejs_heap_size_total_bytes', 'Heap of the process in bytes.');
  readonly #heapUsed = this.#gauge('nodejs_heap_size_used_bytes', 'Heap of the process that is used, in bytes.');
  readonly #external = this.#gauge('nodejs_external_memory_bytes', 'Memory outside the heap, in bytes.');
  readonly #spaces = {
    size: this.#gauge('nodejs_heap_space_size_total_bytes', 'Size of a space of the heap in bytes.', ['space']),
    used: this.#gauge('nodejs_heap_space_size_used_bytes', 'Used of a space of the heap, in bytes.', ['space']),
  };
  readonly #active = this.#gauge('nodejs_active_resources', 'What keeps the event loop alive, by type.', ['type']);
  readonly #version = this.#gauge('nodejs_version_info', '1, with the version of Node.', ['version']);
  readonly #collections = new Histogram({
    name: 'sluice_nodejs_gc_duration_seconds',
    help: 'Garbage collections by kind; measured while somebody asks for figures.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
    registers: [this.#registry],
  });
  readonly #observer = new PerformanceObserver((list) => this.#collected(list.getEntries()));
  #observing = false;
  #askedMs = 0;

  text(): Promise<string> {
    this.#askedMs = performance.now();
    if (!this.#observing) this.#observer.observe({ entryTypes: ['gc'] });
    this.#observing = true;
    this.#refresh();
    return this.#registry.metrics();
  }

  #collected(entries: readonly PerformanceEntry[]): void {
    for (const entry of entries) {
      const { kind = 0 } = (entry as { readonly detail?: { readonly kind?: number } }).detail ?? {};
      this.#collections.observe({ kind: KINDS[kind] ?? 'other' }, entry.duration / 1_000);
    }
    // No timer for it: without a collection there is nothing to be spared.
    if (performance.now() - this.#askedMs <= ASKED_MS) return;
    this.#observer.disconnect();
    this.#observing = false;
  }

  #refresh(): void {
    const { user, system } = process.cpuUsage();
    set(this.#cpu.user, user / 1e6);
    set(this.#cpu.system, system / 1e6);
    set(this.#cpu.both, (user + system) / 1e6);
    this.#start.set(Math.round(Date.now() / 1_000 - process.uptime()));
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    this.#resident.set(rss);
    this.#heapTotal.set(heapTotal);
    this.#heapUsed.set(heapUsed);
    this.#external.set(external);
    for (const { space_name: name, space_size: size, space_used_size: used } of getHeapSpaceStatistics()) {
      const space = name.replace(/_space$/, '');
      this.#spaces.size.set({ space }, size);
      this.#spaces.used.set({ space }, used);
    }
    this.#active.reset();
    for (const type of process.getActiveResourcesInfo()) this.#active.inc({ type });
    this.#version.set({ version: process.version }, 1);
    this.#files.set(openFiles());
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `sluice_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name: `sluice_${name}`, help, registers: [this.#registry] });
  }
}

function set(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Not on this system.
    return 0;
  }
}
