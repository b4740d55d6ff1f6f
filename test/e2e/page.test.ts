/** The page, in a real browser, as somebody finds it who has typed `sluice serve --demo`. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../house/source-files.js';
import { DEADLINE_MS, eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';

const CHROMIUM = '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
if (!isThere && process.env['CI'])
  throw new Error(`${CHROMIUM} is not installed; under CI its tests may not be skipped`);

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(!isThere)('the page in a real browser (needs: chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(() => browser.close());

  it('shows a picture that moves, and the tree of actors', async () => {
    const { page, gateway } = await opened();
    await pictureMoves(page);
    expect(await gateway.camera('demo')).toMatchObject({ state: 'live', viewers: 1 });

    const labels = page.locator('[role=treeitem] .label');
    await eventually(
      'the tree is that of the gateway',
      () => labels.allInnerTexts(),
      (names) => names.includes('camera:demo'),
    );
    expect(await labels.allInnerTexts()).toEqual(
      expect.arrayContaining([
        'sluice',
        'core',
        'clients',
        'cameras',
        'camera:demo',
        'sessions',
        'listeners',
        'grpc',
        'http',
      ]),
    );
    mkdirSync(join(root, 'test/artifacts'), { recursive: true });
    await page.screenshot({ path: join(root, 'test/artifacts/page.png'), fullPage: true });
  });

  it('kills the camera after asking, shows its end and its restart, and the picture comes back', async () => {
    const { page, gateway } = await opened();
    await pictureMoves(page);

    await killButton(page).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('Kill demo?');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await dialog.count(), 'the dialog is closed').toBe(0);
    expect((await gateway.events()).filter(({ type }) => type === 'actor.asked')).toEqual([]);

    await killButton(page).click();
    await dialog.getByRole('button', { name: 'Kill demo' }).click();
    await shows(page, 'process.down', 'camera:demo', 'killed');
    await shows(page, 'process.restarted', 'camera:demo', 'killed');
    await pictureMoves(page);
    expect(await gateway.camera('demo')).toMatchObject({ state: 'live', viewers: 1 });
    const camera = page.locator('[role=treeitem]', { hasText: 'camera:demo' });
    await eventually(
      'the tree counts the restart',
      () => camera.locator('.restarts').textContent(),
      (text) => text?.includes('1') === true,
    );
  });

  it('is read-only without the token', async () => {
    const { page, gateway } = await opened({ token: false });
    await pictureMoves(page);
    expect(await killButton(page).isDisabled()).toBe(true);
    const { id } = (await gateway.json<{ actors: { id: string; kind: string }[] }>('/api/actors')).actors.find(
      ({ id }) => id.endsWith('camera:demo'),
    ) as { id: string };
    // Whoever goes round the page meets the same refusal at the gateway.
    const status = await page.evaluate(
      async (path) => (await fetch(path, { method: 'POST' })).status,
      `/api/actors/${encodeURIComponent(id)}/kill`,
    );
    expect(status).toBe(401);
    expect((await gateway.events()).filter(({ type }) => type === 'actor.asked')).toEqual([]);
  });

  it('has the memory of the gateway written down, after asking, as a file', async () => {
    const { page } = await opened();
    await pictureMoves(page);
    await page.getByRole('link', { name: 'Resources' }).click();
    await page.getByRole('button', { name: 'Heap snapshot' }).click();
    const download = page.waitForEvent('download');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Snapshot/ })
      .click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^sluice-\d+\.heapsnapshot$/);
    const { snapshot } = JSON.parse(readFileSync(await file.path(), 'utf8')) as { snapshot: { node_count: number } };
    expect(snapshot.node_count).toBeGreaterThan(1_000);
  });

  it('is used by the keyboard alone: Tab to the button, Enter, and Enter again to say yes', async () => {
    const { page } = await opened();
    await pictureMoves(page);
    const focused = (): Promise<string> => page.evaluate(FOCUSED);
    for (let presses = 0; (await focused()) !== 'Kill demo'; presses += 1) {
      expect(presses, 'Tab comes to the button').toBeLessThan(40);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    expect(await page.getByRole('dialog').textContent()).toContain('Kill demo?');
    await page.keyboard.press('Enter');
    await shows(page, 'process.down', 'camera:demo', 'killed');
    await pictureMoves(page);
  });

  it('keeps the token out of the address, and sends nothing anywhere else', async () => {
    const { page, gateway, requests } = await opened();
    await pictureMoves(page);
    expect(page.url()).toBe(`${gateway.http}/`);
    expect([...new Set(requests.map((url) => new URL(url).origin))]).toEqual([gateway.http]);
    expect(requests.filter((url) => url.includes(tokenOf(gateway)))).toEqual([]);
  });

  /** A gateway of its own, and the address it printed opened in a browser that knows nothing yet. Faults of the page's script fail the test. */
  async function opened({ token = true } = {}): Promise<{ page: Page; gateway: GatewayProcess; requests: string[] }> {
    const gateway = await serve('--demo');
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    const faults: string[] = [];
    const requests: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    onTestFinished(async () => {
      await context.close();
      await gateway.stop();
      expect(faults).toEqual([]);
    });
    await page.goto(token ? gateway.page : `${gateway.http}/`);
    return { page, gateway, requests };
  }
});

function tokenOf({ page }: GatewayProcess): string {
  return new URLSearchParams(new URL(page).hash.slice(1)).get('token') as string;
}

function killButton(page: Page) {
  return page.getByRole('article', { name: 'Camera demo' }).getByRole('button', { name: 'Kill demo' });
}

/** Three pictures one after the other, each different from the one before it: read from the pixels on the screen. */
async function pictureMoves(page: Page): Promise<void> {
  const seen = new Set<string>();
  await eventually(
    'the picture moves',
    async () => {
      const pixels = await page.evaluate<string>(PIXELS);
      if (pixels !== '') seen.add(pixels);
      return seen.size;
    },
    (different) => different >= 3,
  );
}

// Run in the page, hence text: the types of a browser are not those of this program.
const FOCUSED = `document.activeElement?.textContent?.trim() ?? ''`;
const PIXELS = `(() => {
  const img = document.querySelector('img[alt=demo]');
  if (!img?.naturalWidth) return '';
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
  const context = canvas.getContext('2d');
  context.drawImage(img, 0, 0, 64, 36);
  return context.getImageData(0, 0, 64, 36).data.join();
})()`;

/** An event row that carries type, actor and reason. */
async function shows(page: Page, type: string, actor: string, reason: string): Promise<void> {
  const row = page
    .locator('#events .event')
    .filter({ has: page.locator('.type', { hasText: type }) })
    .filter({ has: page.locator('.actor', { hasText: actor }) })
    .filter({ has: page.locator('.reason', { hasText: reason }) });
  await row.first().waitFor();
}
