/** The page of a gateway that is one of several. */
import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { realClock } from '../../src/otp/clock.js';
import { type Pair, startPair } from '../cluster/two-gateways.js';
import { chromiumPath, launchChromium } from './chromium.js';

const ARTEFACTS = new URL('../artifacts/', import.meta.url).pathname;
const TIMEOUT = { timeout: 15_000 };

describe.skipIf(!chromiumPath)('the page of a gateway in a cluster (needs: chromium)', () => {
  let browser: Browser;
  let pair: Pair;

  beforeAll(async () => {
    const hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
    pair = await startPair(() => async () => hub.connect());
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await pair.stop();
  });

  it('has an area with all members, and no fault in its script', async () => {
    const faults: string[] = [];
    const page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(`http://${pair.gateways[0].addresses.http?.replace(/^http:\/\//, '')}/`);
    await page.getByRole('link', { name: 'Cluster' }).click();
    const members = page.locator('#members tr');
    await expect.poll(() => members.count(), TIMEOUT).toBe(pair.views[0]?.()?.members.length);
    const text = await page.locator('#area-cluster').textContent();
    for (const name of ['north', 'south']) expect(text).toContain(name);
    await expect.poll(() => page.locator('#cluster-state').textContent(), TIMEOUT).toBe('up');
    mkdirSync(ARTEFACTS, { recursive: true });
    await page.screenshot({ path: `${ARTEFACTS}page-cluster.png` });
    expect(faults).toEqual([]);
  });
});
