/** The policy that the page is served with, kept by a real Chromium: the page lives within it, and nothing else does. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from './chromium.js';
import { TOKEN, Town } from './page-town.js';
import { IN_TIME, Visits } from './page-visits.js';

const AREAS = ['Overview', 'Processes', 'Clients', 'Rooms & services', 'Resources', 'Leaks', 'Replay'];
const poll = <T>(look: () => T) => expect.poll(look, IN_TIME);

describe('the file of the page', () => {
  it('names nothing that would be loaded from anywhere', () => {
    const html = readFileSync(new URL('../../src/ops/page.html', import.meta.url), 'utf8');
    const loads = [...html.matchAll(/(?:src|href)\s*=\s*["']?(https?:)?\/\/[^"'\s>]+|@import|url\(\s*["']?https?:/gi)];
    expect(loads.map(([text]) => text)).toEqual([]);
  });
});

describe.skipIf(!chromiumPath)('the page under its policy (needs: chromium)', () => {
  let visits: Visits;
  let town: Town;

  beforeAll(async () => {
    town = await Town.start({ cameras: [{ id: 'front', source: 'clip:' }] });
    visits = await Visits.start();
  });
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.stop();
    await town.stop();
  });

  async function opened(): Promise<Page> {
    const page = await visits.open(town.address, `#token=${TOKEN}`);
    await page.evaluate(WATCHED);
    return page;
  }
  const broken = (page: Page) => page.evaluate<readonly string[]>('globalThis.broken');

  it('breaks no rule of it in any area, in the panel of an actor and in a replay', async () => {
    const page = await opened();
    for (const area of AREAS) {
      await page.getByRole('link', { name: area }).click();
      await poll(() => page.getByRole('link', { name: area }).getAttribute('aria-current')).toBe('page');
    }
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await page.locator('#detail-chart .chart').waitFor();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await poll(() => page.locator('#replay-where').textContent()).toContain('moment 1 of');
    await page.keyboard.press('ArrowRight');
    expect(await broken(page)).toEqual([]);
    expect(visits.faults).toEqual([]);
  });

  it.each([
    [
      'script-src-elem',
      `document.body.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.evil = 1' }))`,
    ],
    [
      'style-src-elem',
      `document.body.append(Object.assign(document.createElement('style'), { textContent: 'body { color: red }' }))`,
    ],
    ['img-src', `new Image().src = 'http://127.0.0.2:9/x.png'`],
    ['connect-src', `void fetch('http://127.0.0.2:9/').catch(() => {})`],
    [
      'frame-src',
      `document.body.append(Object.assign(document.createElement('iframe'), { src: 'http://127.0.0.2:9/' }))`,
    ],
  ])('lets nobody go round it: %s', async (rule, deed) => {
    const page = await opened();
    await page.evaluate(deed);
    await poll(() => broken(page)).toEqual([rule]);
    expect(await page.evaluate('globalThis.evil')).toBeUndefined();
  });
});

const WATCHED = `(() => {
  globalThis.broken = [];
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => globalThis.broken.push(effectiveDirective));
})()`;
