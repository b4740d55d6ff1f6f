/** The page as somebody sees it: a real Chromium, a real gateway, a clip that really moves. */
import { mkdirSync } from 'node:fs';
import { pino } from 'pino';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGateway, type GatewayHostOptions, type SluiceGateway } from '../../src/create-gateway.js';
import { chromiumPath, launchChromium } from './chromium.js';

const TOKEN = 'a-token-for-tests';
const ARTEFACTS = new URL('../artifacts/', import.meta.url).pathname;

let browser: Browser;
let gateway: SluiceGateway;
let faults: string[];

async function look(hash: string, options: BrowserContextOptions = {}, address = addressOf(gateway)): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 960 }, ...options });
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(`${address}/${hash}`);
  return page;
}

function addressOf({ addresses }: SluiceGateway): string {
  return `http://${addresses.http?.replace(/^http:\/\//, '')}`;
}

/** A number for the picture that is shown now; another one when another is shown. Runs in the page. */
const PICTURE = `(() => {
  const image = document.querySelector('img[alt="demo"]');
  if (!image?.getAttribute('src') || !image.naturalWidth) return 0;
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0, 64, 36);
  return context.getImageData(0, 0, 64, 36).data.reduce((sum, byte, at) => (sum * 31 + byte * (at + 1)) % 2147483647, 7);
})()`;
const picture = (page: Page): Promise<number> => page.evaluate(PICTURE);

async function restart(options: GatewayHostOptions): Promise<void> {
  await gateway.stop({ deadlineMs: 0 });
  gateway = createGateway({ grpc: { port: 0 }, logger: pino({ level: 'silent' }), ...options });
  await gateway.start();
}

async function moves(page: Page): Promise<void> {
  await expect.poll(() => picture(page), { timeout: 15_000 }).not.toBe(0);
  const before = await picture(page);
  await expect.poll(() => picture(page), { timeout: 15_000 }).not.toBe(before);
}

const { CI } = process.env;
if (!chromiumPath && CI) throw new Error('chromium is not installed; under CI its tests may not be skipped');

describe.skipIf(!chromiumPath)('the page (needs: chromium)', () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    faults = [];
    gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0, token: TOKEN },
      cameras: [{ id: 'demo', source: 'clip:' }],
      logger: pino({ level: 'silent' }),
    });
    await gateway.start();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await gateway.stop({ deadlineMs: 0 });
    expect(gateway.census()).toEqual({});
  });

  it('shows a moving picture, and takes the token out of the address', async () => {
    const page = await look(`#token=${TOKEN}`);
    await moves(page);
    expect(page.url()).not.toContain(TOKEN);
    expect(await page.getByRole('treeitem', { name: /camera:demo/ }).count()).toBe(1);
    mkdirSync(ARTEFACTS, { recursive: true });
    await page.screenshot({ path: `${ARTEFACTS}page.png` });
    expect(faults).toEqual([]);
  });

  it('kills a camera after asking, shows DOWN and the restart, and the picture comes back', async () => {
    const page = await look(`#token=${TOKEN}`);
    await moves(page);
    await page.getByRole('button', { name: 'Kill demo' }).click();
    const dialog = page.getByRole('dialog');
    await expect.poll(() => dialog.textContent()).toContain('sluice/cameras/camera:demo');
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.count()).toBe(0);
    expect(gateway.resources().cameras).toBe(1);
    await page.getByRole('button', { name: 'Kill demo' }).click();
    await page.keyboard.press('Enter');
    const rows = page.getByRole('listitem').filter({ hasText: 'sluice/cameras/camera:demo' });
    const row = (type: string) => rows.filter({ hasText: type });
    await expect.poll(() => row('process.down').textContent(), { timeout: 10_000 }).toContain('killed');
    await expect.poll(() => row('process.restarted').count()).toBe(1);
    await expect.poll(() => page.getByRole('treeitem', { name: /camera:demo.*↻ 1/ }).count()).toBe(1);
    await moves(page);
    await page.screenshot({ path: `${ARTEFACTS}page-after-kill.png` });
    expect(faults).toEqual([]);
  });

  it('is read-only without the token, and says why', async () => {
    const page = await look('');
    const kill = page.getByRole('button', { name: 'Kill demo' });
    await expect.poll(() => kill.isDisabled()).toBe(true);
    expect(await kill.getAttribute('title')).toContain('Read-only');
    await page.getByRole('button', { name: 'Read-only' }).click();
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await expect.poll(() => kill.isDisabled()).toBe(false);
  });

  it('watches nothing while pictures are paused', async () => {
    const page = await look('');
    await moves(page);
    await page.getByRole('button', { name: 'Pause pictures' }).click();
    await expect.poll(() => gateway.resources().viewers).toBe(0);
    await page.getByRole('button', { name: 'Play pictures' }).click();
    await moves(page);
  });

  it('begins paused for whoever wants no motion, with one still picture', async () => {
    const page = await look('', { reducedMotion: 'reduce' });
    await expect.poll(() => picture(page), { timeout: 15_000 }).not.toBe(0);
    expect(gateway.resources().viewers).toBe(0);
  });

  it('is walked with the keyboard: the tree is one stop, its arrows move and fold', async () => {
    const page = await look('');
    const item = (name: RegExp) => page.getByRole('treeitem', { name });
    await item(/camera:demo/).waitFor();
    await item(/^.?\s*sluice/)
      .first()
      .focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.getByRole('treeitem').count()).toBe(1);
    await page.keyboard.press('ArrowRight');
    await item(/camera:demo/).waitFor();
    await page.keyboard.press('End');
    const focused = () => page.evaluate('document.activeElement.title');
    expect(await focused()).toBe('sluice/listeners/grpc');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#detail-path').textContent()).toBe('sluice/listeners/grpc');
  });

  it('fits a phone', async () => {
    const page = await look('', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
    await moves(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.screenshot({ path: `${ARTEFACTS}page-phone.png`, fullPage: true });
  });

  it('is no viewer while nobody looks at it', async () => {
    const page = await look('');
    await moves(page);
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await hide(true);
    await expect.poll(() => gateway.resources().viewers).toBe(0);
    await hide(false);
    await moves(page);
  });

  it('says when the gateway is gone, and comes back with it', async () => {
    const page = await look('');
    await moves(page);
    const { port } = new URL(addressOf(gateway));
    await gateway.stop({ deadlineMs: 0 });
    await page.getByText('The gateway does not answer').waitFor();
    await restart({ http: { port: Number(port), token: TOKEN }, cameras: [{ id: 'demo', source: 'clip:' }] });
    await page.getByText('The gateway does not answer').waitFor({ state: 'hidden' });
    await moves(page);
  });

  it('keeps room for questions beside many pictures: three move, the others are stills', async () => {
    const ids = ['demo', 'e', 'f', 'g', 'h', 'i'];
    await restart({ http: { port: 0, token: TOKEN }, cameras: ids.map((id) => ({ id, source: 'clip:' })) });
    const page = await look('');
    await moves(page);
    const shown = `[...document.images].filter((image) => image.naturalWidth > 0).length`;
    await expect.poll(() => page.evaluate(shown), { timeout: 15_000 }).toBe(ids.length);
    expect(gateway.resources().viewers).toBe(3);
    const uptime = await page.locator('#uptime').textContent();
    await expect.poll(() => page.locator('#uptime').textContent()).not.toBe(uptime);
    await expect.poll(() => page.locator('#line').textContent()).toBe('events live');
  });

  it('shows nothing on an open address before it has the token, then reads with a cookie', async () => {
    await restart({ http: { host: '0.0.0.0', port: 0, token: TOKEN }, cameras: [{ id: 'demo', source: 'clip:' }] });
    const { port } = new URL(addressOf(gateway));
    const page = await look('', {}, `http://127.0.0.1:${port}`);
    await page.getByText('can be read with its token only').waitFor();
    expect(await page.locator('img[alt="demo"]').count()).toBe(0);
    await page.evaluate(`location.hash = 'token=${TOKEN}'`);
    await moves(page);
    await expect.poll(() => page.locator('#line').textContent()).toBe('events live');
  });
});
