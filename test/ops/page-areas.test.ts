/** Every area of the page in a real Chromium, before a gateway in which something of everything is. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ActorDetail } from '../../src/gateway/views.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { eventually } from '../e2e/eventually.js';
import { EarWire } from '../gateway/audio-town.js';
import { HeldWire } from '../gateway/paths/held-wire.js';
import { chromiumPath } from './chromium.js';
import { CONTRAST, FOCUSED, NAMELESS, TWICE } from './page-scripts.js';
import { TOKEN, Town } from './page-town.js';
import { ARTEFACTS, IN_TIME, Visits } from './page-visits.js';

const CAMERA = 'sluice/cameras/camera:front';
const JOIN = { userId: 'ada', roomName: 'lobby', token: '', roomUrl: '', targetIdentity: '' };
/** An id that would be a script if anybody put it into the page as markup. */
const EVIL = '<img src=x onerror="document.title=1">&"\'';

/** Takes its time, and everybody else's, over each message. */
const idler = fromProcess(() => ({
  receive: () => {
    for (const beganMs = performance.now(); performance.now() - beganMs < 15; );
  },
}));

const poll = <T>(look: () => T) => expect.poll(look, IN_TIME);

describe.skipIf(!chromiumPath)('the areas of the page (needs: chromium)', () => {
  let visits: Visits;
  let town: Town;

  beforeAll(async () => {
    // A reader that is stuck stays for as long as it is looked at.
    const stream = { sendTimeoutMs: 600_000, stallMs: 600_000 };
    const children = () => [{ id: 'idler', start: { logic: idler } }];
    town = await Town.start({ cameras: [{ id: 'front', source: 'clip:' }], stream }, { children });
    const control = await town.connect('viewer-1');
    control.subscribe('weather.*');
    control.register('add', 0);
    await town.connect(EVIL);
    await town.gateway.live.audio.join(JOIN);
    await town.gateway.live.audio.stream('ada', new EarWire());
    visits = await Visits.start();
  });
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.stop();
    await town.stop();
  });

  async function opened(
    area = '',
    { token = true, ...options }: BrowserContextOptions & { token?: boolean } = {},
  ): Promise<Page> {
    const page = await visits.open(town.address, token ? `#token=${TOKEN}` : '', options);
    if (area !== '') await page.getByRole('navigation').getByRole('link', { name: area }).click();
    return page;
  }

  it('E-a2 lists the processes by what is asked for, and finds them by a part of their name', async () => {
    const page = await opened('Processes');
    const rows = page.locator('#processes tr');
    await poll(() => rows.count()).toBeGreaterThan(10);
    for (const sort of ['mailbox', 'memory', 'age', 'restarts']) {
      await page.getByRole('combobox').selectOption(sort);
      const url = `${town.address}/api/actors?sort=${sort}&limit=100`;
      const names = async () =>
        ((await (await fetch(url)).json()) as { actors: ActorDetail[] }).actors.map(({ id }) => id.split('/').at(-1));
      await eventually(
        `the order is that of ${sort}`,
        async () => [await rows.first().locator('button').textContent(), (await names())[0]],
        ([shown, first]) => shown === first,
      );
    }
    await page.getByRole('searchbox', { name: 'Filter processes by path, kind or state' }).fill('janitor');
    await poll(() => rows.count()).toBe(1);
    await rows.first().getByRole('button', { name: 'janitor' }).click();
    await poll(() => page.locator('#detail-path').textContent()).toBe('sluice/janitor');
    expect(visits.faults).toEqual([]);
  });

  it('E-a3 shows clients, sessions and streams, with what waits and what was dropped', async () => {
    // It takes one picture and no more: what comes then waits, and is dropped in the end.
    await town.gateway.live.watch({ cameraId: 'front' }, 'viewer-1', new HeldWire());
    const page = await opened('Clients');
    await poll(() => page.locator('#clients tr').count()).toBe(2);
    await poll(() => page.locator('#sessions tr').count()).toBe(2);
    await poll(() => page.locator('#clients-index').textContent()).toBe('tables agree');
    const stream = page.locator('#streams tr', { hasText: 'front' });
    await eventually(
      'frames wait for the reader that is stuck',
      () => stream.locator('td').allTextContents(),
      (cells) => Number(cells[4]) > 0 && Number(cells[6]) > 0,
    );
    await page.screenshot({ path: `${ARTEFACTS}page-clients.png` });
    expect(visits.faults).toEqual([]);
  });

  it('E-a3 shows rooms, services and topics', async () => {
    const page = await opened('Rooms & services');
    await poll(() => page.locator('#rooms').textContent()).toContain('lobby');
    expect(await page.locator('#rooms').textContent()).toContain('ada');
    expect(await page.locator('#services').textContent()).toContain('add');
    expect(await page.locator('#topics').textContent()).toContain('weather.*');
    await page.screenshot({ path: `${ARTEFACTS}page-services.png` });
    expect(visits.faults).toEqual([]);
  });

  it('E-a6 shows what is held by kind and owner, and turns red when something is held by nobody', async () => {
    const page = await opened('Leaks');
    const list = page.locator('#invariants');
    await poll(() => list.locator('.good').count()).toBe(4);
    expect(await page.locator('#census').textContent()).toContain('timer');
    const lost = { kind: 'socket', owner: 'sluice/cameras/camera:gone', earlier: undefined, later: undefined };
    town.system.census.add(lost);
    await poll(() => list.locator('.bad').count()).toBe(1);
    expect(await list.textContent()).toContain('1 socket of sluice/cameras/camera:gone');
    expect(await page.locator('#holdings tr').first().textContent()).toContain('camera:gone');
    await poll(() => page.locator('#remembered tr').count()).toBeGreaterThan(3);
    expect(await page.locator('#undisposed').textContent()).toContain('not watched');
    await page.screenshot({ path: `${ARTEFACTS}page-leaks.png` });
    town.system.census.remove(lost);
    await poll(() => list.locator('.bad').count()).toBe(0);
    expect(visits.faults).toEqual([]);
  });

  it('draws figures over time, and acts on the whole gateway after asking', async () => {
    const page = await opened('Resources');
    const points = () => page.locator('#history polyline').first().getAttribute('points');
    await poll(async () => (await points())?.split(' ').length ?? 0).toBeGreaterThan(2);
    expect(await page.getByRole('img', { name: /^Memory: now .* MiB/ }).count()).toBe(1);
    await page.getByRole('button', { name: 'Clean up' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Clean up/ })
      .click();
    await page.getByText(/nothing to remove|^Removed/).waitFor();
    await page.screenshot({ path: `${ARTEFACTS}page-resources.png` });
    expect(visits.faults).toEqual([]);
  });

  it('E-a6 says who held the event loop, and for how long', async () => {
    const page = await opened('Resources');
    await page.getByText('Nobody held the event loop for long').waitFor();
    town.system.slowHandlerMs = 5;
    const idler = [...town.system.processes].find(({ path }) => path === 'sluice/listeners/idler');
    idler?.ref.send({ type: 'work' });
    town.system.slowHandlerMs = undefined;
    const row = page.locator('#troubles .event');
    await poll(() => row.first().textContent()).toMatch(/handler\.slow.*ms \d\d.*idler/);
    await row.first().click();
    await poll(() => page.locator('#detail-path').textContent()).toBe('sluice/listeners/idler');
    expect(visits.faults).toEqual([]);
  });

  it('has no area for a cluster while the gateway is alone', async () => {
    const page = await opened('Leaks');
    expect(await page.getByRole('link', { name: 'Cluster' }).count()).toBe(0);
  });

  it('has the gateway filter the events', async () => {
    const page = await opened();
    await poll(() => page.locator('#events .event').count()).toBeGreaterThan(5);
    await page.getByRole('searchbox', { name: /Filter events/ }).fill('camera:front');
    await eventually(
      'only the camera is told of',
      () => page.locator('#events .actor').allTextContents(),
      (actors) => actors.length > 0 && actors.every((actor) => actor === CAMERA),
    );
    await page.locator('#events').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await poll(() => page.locator('#detail-path').textContent()).toBe(CAMERA);
  });

  it('takes ids and reasons for text, whatever stands in them', async () => {
    const page = await opened('Clients');
    await poll(() => page.locator('#clients').textContent()).toContain(EVIL);
    await page.getByRole('button', { name: `Kill client ${EVIL}` }).click();
    expect(await page.getByRole('dialog').textContent()).toContain(EVIL);
    await page.keyboard.press('Escape');
    await page.locator('#clients').getByRole('button', { name: EVIL, exact: true }).click();
    await poll(() => page.locator('#detail-path').textContent()).toContain(EVIL);
    expect(await page.evaluate(`document.querySelectorAll('img[src="x"]').length`)).toBe(0);
    expect(await page.title()).not.toBe('1');
    expect(visits.faults).toEqual([]);
  });

  it('acts on nothing without the token: every button that acts is disabled and says why', async () => {
    const page = await opened('', { token: false });
    for (const area of ['Overview', 'Clients', 'Resources']) {
      await page.getByRole('link', { name: area }).click();
      // All at one moment: what is listed comes and goes.
      await poll(() => page.evaluate<Acting>(ACTING)).not.toEqual([]);
      for (const [disabled, title] of await page.evaluate<Acting>(ACTING)) {
        expect([disabled, title]).toEqual([true, expect.stringContaining('Read-only')]);
      }
    }
  });

  it('is used by the keyboard alone: areas, lists, the panel and back', async () => {
    const page = await opened();
    await page.getByRole('treeitem', { name: /camera:front/ }).waitFor();
    const focused = () => page.evaluate<string>(FOCUSED);
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; (await focused()) !== name; presses += 1) {
        expect(presses, `Tab comes to "${name}", and was last at "${await focused()}"`).toBeLessThan(60);
        await page.keyboard.press('Tab');
      }
    };
    await tabTo('Processes');
    await page.keyboard.press('Enter');
    await page.locator('#processes tr').first().waitFor();
    await tabTo('Filter processes by path, kind or state');
    await page.keyboard.type('camera:front');
    await poll(() => page.locator('#processes tr').count()).toBe(1);
    await tabTo('camera:front');
    await page.keyboard.press('Enter');
    await poll(() => page.locator('#detail-path').textContent()).toBe(CAMERA);
    expect(await focused()).toBe('Close');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('camera:front');
  });

  it.each(AREAS)('names every control in %s, and gives no id twice', async (area) => {
    const page = await opened(area);
    await page.waitForLoadState('load');
    await poll(() => page.locator('#node').textContent()).not.toBe('…');
    expect(await page.evaluate(NAMELESS)).toEqual([]);
    expect(await page.evaluate(TWICE)).toEqual([]);
    expect(await page.locator('h1').count()).toBe(1);
  });

  it.each(['light', 'dark'] as const)('can be read in the colours of %s, and fits a phone', async (colorScheme) => {
    const page = await opened('', { colorScheme });
    await page.getByRole('treeitem', { name: /camera:front/ }).waitFor();
    await page.locator('img[alt=front]').waitFor();
    await poll(() => page.evaluate(CONTRAST)).toEqual([]);
    await page.screenshot({ path: `${ARTEFACTS}page-${colorScheme}.png` });
    for (const area of AREAS) {
      await page.getByRole('link', { name: area }).click();
      await poll(() => page.evaluate(CONTRAST)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const area of AREAS) {
      await page.getByRole('link', { name: area }).click();
      await poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await page.locator('#detail-chart .chart').waitFor();
    await page.screenshot({ path: `${ARTEFACTS}page-phone-${colorScheme}.png` });
    expect(visits.faults).toEqual([]);
  });
});

/** The buttons in sight that act: whether each is disabled, and what it says of that. */
type Acting = readonly (readonly [disabled: boolean, title: string])[];
const ACTING = `[...document.querySelectorAll('button[data-acts]')].filter((one) => one.checkVisibility()).map((one) => [one.disabled, one.title])`;

const AREAS = ['Overview', 'Processes', 'Clients', 'Rooms & services', 'Resources', 'Leaks', 'Replay'];
