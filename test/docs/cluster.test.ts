import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NATS_MINIMUM } from '../../src/cluster/nats/nats-options.js';
import { clusterKeys } from '../../src/configuration/cluster-keys.js';
import { configure } from '../../src/configuration.js';
import { EVENT_TYPES } from '../../src/gateway/event-types.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/cluster.md');

describe('the page about several gateways', () => {
  it.each(['webhook-receiver', 'camera-device'])('shows the example of a %s as it is run', (name) => {
    expect(page).toContain(`\`\`\`js\n${read(`examples/apps/${name}.mjs`)}\`\`\``);
  });

  it('gives configurations that are taken', () => {
    const files = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => configure(parse(text as string)));
    expect(files.map(({ cluster }) => cluster.replicas)).toEqual([1, 3]);
    expect(files[1]?.cluster.nats?.split(',')).toHaveLength(3);
  });

  it('gives times with which a lease can be renewed; others are refused by name', () => {
    expect(() => configure({ cluster: { ttlMs: 1_500 } })).toThrow(
      'cluster.ttlMs: expected more than marginMs and renewMs together: a lease has to be renewed before it is let go, got 1500',
    );
    expect(configure({ cluster: { ttlMs: 5_000 } }).cluster.ttlMs).toBe(5_000);
  });

  it('names only keys and events that there are', () => {
    const shape = clusterKeys.unwrap().shape;
    const keys = [...page.matchAll(/`cluster\.(\w+)`/g)].map(([, key]) => key as string);
    const unknown = keys.filter((key) => !Object.hasOwn(shape, key) && !Object.hasOwn(EVENT_TYPES, `cluster.${key}`));
    expect(keys.length).toBeGreaterThan(12);
    expect(unknown).toEqual([]);
    expect(page).toContain(`below ${NATS_MINIMUM.join('.')} are refused`);
  });
});
