/** What the kernel measures at each message, as Prometheus reads it. A histogram of prom-client would cost more than most messages. */
import type { Distribution } from '../../otp/distribution.js';
import type { System } from '../../otp/system.js';
import { METRICS, type MetricName } from './catalogue.js';

const OF_THE_KERNEL = {
  sluice_handler_seconds: (system: System): Distribution => system.handled,
  sluice_mailbox_wait_seconds: (system: System): Distribution => system.waited,
} satisfies Partial<Record<MetricName, (system: System) => Distribution>>;

export function isOfTheKernel(name: string): boolean {
  return name in OF_THE_KERNEL;
}

export function kernelHistograms(system: System): string {
  return Object.entries(OF_THE_KERNEL)
    .flatMap(([name, of]) => linesOf(name, METRICS[name as MetricName].help, of(system)))
    .join('\n');
}

function linesOf(name: string, help: string, { bounds, counts, sum }: Distribution): readonly string[] {
  let upTo = 0;
  const buckets = counts.map((count, at) => {
    upTo += count;
    return `${name}_bucket{le="${bounds[at] ?? '+Inf'}"} ${upTo}`;
  });
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} histogram`,
    ...buckets,
    `${name}_sum ${sum}`,
    `${name}_count ${upTo}`,
    '',
  ];
}
