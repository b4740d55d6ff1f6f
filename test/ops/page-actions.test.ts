/** What the page can have done to a real gateway: each deed is asked for first, says whether it can be undone, and is done. */
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { GrpcCamera } from '../cameras/grpc-camera.js';
import { chromiumPath } from './chromium.js';
import { IN_TIME, Visits } from './page-visits.js';

const TOKEN = 'a-token-for-tests';
const poll = <T>(look: () => T) => expect.poll(look, IN_TIME);

describe.skipIf(!chromiumPath)('the actions of the page (needs: chromium)', () => {
  const logger = pino({ level: 'silent' });
  let gateway: SluiceGateway;
  let address: string;
  let visits: Visits;

  beforeAll(async () => {
    const cameras = [{ id: 'front', source: 'clip:' }];
    gateway = createGateway({ grpc: { port: 0 }, http: { port: 0, token: TOKEN }, cameras, logger });
    await gateway.start();
    address = `http://${gateway.addresses.http?.replace(/^http:\/\//, '')}`;
    visits = await Visits.start();
  });
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.stop();
    await gateway.stop({ deadlineMs: 0 });
    expect(gateway.census()).toEqual({});
  });

  async function asked(deed: string, area = '#resources'): Promise<Page> {
    const page = await visits.open(address, `#token=${TOKEN}`);
    await page.evaluate(`location.hash = '${area}'`);
    if (deed !== '') await page.getByRole('button', { name: deed, exact: true }).click();
    return page;
  }
  const dialog = (page: Page) => page.getByRole('dialog');
  const toast = (page: Page) => page.locator('#toast').textContent();
  const status = (page: Page) => page.locator('#status').textContent();

  it('E-a5 kills with the reason that was given, which stands in the event', async () => {
    const page = await asked('', '#overview');
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await page.getByRole('complementary').getByRole('button', { name: 'Kill' }).click();
    await dialog(page).getByRole('textbox').fill('the lens is dirty');
    await page.keyboard.press('Enter');
    await poll(() => toast(page)).toContain('Done');
    const { events } = (await (await fetch(`${address}/api/events?type=actor.asked`)).json()) as {
      events: readonly GatewayEvent[];
    };
    expect(JSON.stringify(events.at(-1))).toContain('the lens is dirty');
    expect(visits.faults).toEqual([]);
  });

  it('E-a5 collects garbage, and says what was gained', async () => {
    const page = await asked('Collect garbage');
    expect(await dialog(page).textContent()).toContain('Nothing is lost');
    await page.keyboard.press('Enter');
    await poll(() => toast(page)).toMatch(/^Collected .*B in \d+ ms\.$/);
    expect(visits.faults).toEqual([]);
  });

  it('E-a5 sets the level of the log', async () => {
    const page = await asked('Log level');
    await dialog(page).getByRole('combobox').selectOption('error');
    await dialog(page)
      .getByRole('button', { name: /^Set log level/ })
      .click();
    await poll(() => toast(page)).toBe('Logged from error on.');
    expect(visits.faults).toEqual([]);
  });

  it('E-a5 drains, and lets newcomers in again', async () => {
    const page = await asked('Drain');
    expect(await dialog(page).textContent()).toContain('Who has gone is gone');
    await page.keyboard.press('Enter');
    await poll(() => status(page)).toBe('draining');
    await page.getByRole('button', { name: 'Undrain', exact: true }).click();
    await dialog(page)
      .getByRole('button', { name: /^Undrain/ })
      .click();
    await poll(() => status(page)).toBe('ok');
    await page.getByRole('button', { name: 'Drain', exact: true }).waitFor();
    expect(visits.faults).toEqual([]);
  });

  it('E-a5 evicts a connection; the camera that had it makes another', async () => {
    const camera = await GrpcCamera.start();
    const own = createGateway({
      grpc: { port: 0 },
      http: { port: 0, token: TOKEN },
      cameras: [{ id: 'far', source: camera.url('far'), onDemand: false, retry: { delayMs: 20 } }],
      logger,
    });
    await own.start();
    onTestFinished(() => own.stop({ deadlineMs: 0 }));
    const page = await visits.open(`http://${own.addresses.http?.replace(/^http:\/\//, '')}`, `#token=${TOKEN}`);
    await page.getByRole('link', { name: 'Rooms & services' }).click();
    const first = page.locator('#channels td[title]').first();
    const before = await first.getAttribute('title');
    await page.getByRole('button', { name: `Evict connection to ${camera.target}` }).click();
    await dialog(page)
      .getByRole('button', { name: /^Evict/ })
      .click();
    await poll(() => toast(page)).toContain('Done');
    // Its call ends with it, and the camera calls again over another connection.
    const ids = `[...document.querySelectorAll('#channels td[title]')].map(({ title }) => title)`;
    await poll(async () => {
      const now = await page.evaluate<readonly string[]>(ids);
      return now.length > 0 && !now.includes(String(before));
    }).toBe(true);
    expect(visits.faults).toEqual([]);
  });
});
