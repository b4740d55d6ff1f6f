/**
 * Histograms, as Prometheus reads them. They are not prom-client's: adding to one of those costs more than most of what is
 * measured here, and two of them the kernel keeps itself.
 */
import { Distribution } from '../../otp/distribution.js';
import type { System } from '../../otp/system.js';
import { METRICS, type Metric, type MetricName } from './catalogue.js';

export class Distributions {
  /** By name, and by the value of the label; '' where it has none. */
  readonly #all = new Map<string, Map<string, Distribution>>();

  constructor(system: System) {
    for (const [name, { type, label, buckets }] of Object.entries(METRICS) as [string, Metric][]) {
      if (type !== 'histogram') continue;
      this.#all.set(name, new Map(label ? [] : [['', new Distribution(buckets)]]));
    }
    this.#all.get('sluice_handler_seconds' satisfies MetricName)?.set('', system.handled);
    this.#all.get('sluice_mailbox_wait_seconds' satisfies MetricName)?.set('', system.waited);
  }

  observe(name: MetricName, value: number, label = ''): void {
    const byLabel = this.#all.get(name);
    let distribution = byLabel?.get(label);
    if (!distribution) {
      distribution = new Distribution((METRICS[name] as Metric).buckets);
      byLabel?.set(label, distribution);
    }
    distribution.add(value);
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, byLabel] of this.#all) {
      const { help, label } = METRICS[name as MetricName] as Metric;
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
      // Values of labels are words of ours: there is nothing in them to be escaped.
      for (const [value, one] of byLabel) lines.push(...linesOf(name, label ? `${label}="${value}"` : '', one));
      lines.push('');
    }
    return lines.join('\n');
  }
}

function linesOf(name: string, label: string, { bounds, counts, sum }: Distribution): readonly string[] {
  let upTo = 0;
  const buckets = counts.map((count, at) => {
    upTo += count;
    return `${name}_bucket{${label && `${label},`}le="${bounds[at] ?? '+Inf'}"} ${upTo}`;
  });
  const of = label && `{${label}}`;
  return [...buckets, `${name}_sum${of} ${sum}`, `${name}_count${of} ${upTo}`];
}
