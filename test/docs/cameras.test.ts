import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sourceFactory } from '../../src/cameras/index.js';
import { cameraKeys } from '../../src/configuration/camera-keys.js';
import { configurationSchema } from '../../src/configuration.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/cameras.md');

describe('the page about cameras', () => {
  it('shows the example of a driver as it is run', () => {
    expect(page).toContain(`\`\`\`js\n${read('examples/own-driver.mjs')}\`\`\``);
  });

  it('names only keys that there are', () => {
    const keys = [...page.matchAll(/`(retry|jpeg|record)?\.?([a-zA-Z]+(?:Ms|Bytes|Frames))`/g)].map(
      ([, section, key]) => (section ? `${section}.${key}` : key),
    );
    const known = new Set([
      ...Object.keys(cameraKeys.shape),
      ...['attempts', 'delayMs', 'slowMs', 'slowMaxMs'].map((key) => `retry.${key}`),
      ...Object.keys(cameraKeys.shape.record.unwrap().shape).map((key) => `record.${key}`),
    ]);
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => !known.has(key as string))).toEqual([]);
    expect(configurationSchema.shape.cameras).toBeDefined();
  });

  it('gives sources that drivers take', () => {
    const sources = [...page.matchAll(/`(ffmpeg:[^`…]+)`/g)].map(([, source]) => source as string);
    expect(sources).toHaveLength(3);
    for (const source of sources) expect(sourceFactory(source).kind).toBe('ffmpeg');
  });
});
