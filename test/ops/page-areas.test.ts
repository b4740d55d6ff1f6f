/** Every area of the page in a real Chromium, before a gateway in which something of everything is. */
import { mkdirSync, readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { ActorDetail } from '../../src/gateway/views.js';
import { eventually } from '../e2e/eventually.js';
import { EarWire } from '../gateway/audio-town.js';
import { HeldWire } from '../gateway/paths/held-wire.js';
import { chromiumPath, launchChromium } from './chromium.js';
import { CONTRAST, FOCUSED, MARKED, NAMELESS, TWICE } from './page-scripts.js';
import { TOKEN, Town } from './page-town.js';

const ARTEFACTS = new URL('../artifacts/', import.meta.url).pathname;
const CAMERA = 'sluice/cameras/camera:front';
const JOIN = { userId: 'ada', roomName: 'lobby', token: '', roomUrl: '', targetIdentity: '' };
/** An id that would be a script if anybody put it into the page as markup. */
const EVIL = '<img src=x onerror="document.title=1">&"\'';

/** An actor of a host's. */
const turnstile = setup({}).createMachine({
  id: 'turnstile',
  initial: 'locked',
  states: { locked: { on: { coin: 'open' } }, open: { on: { push: 'locked' } } },
});

/** Generous: the page asks once a second, and the machine may be busy. */
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 });

describe.skipIf(!chromiumPath)('the areas of the page (needs: chromium)', () => {
  let browser: Browser;
  let town: Town;
  let faults: string[];

  beforeAll(async () => {
    // A reader that is stuck stays for as long as it is looked at.
    const stream = { sendTimeoutMs: 600_000, stallMs: 600_000 };
    const children = () => [{ id: 'turnstile', start: { logic: turnstile } }];
    town = await Town.start({ cameras: [{ id: 'front', source: 'clip:' }], stream }, { children });
    const control = await town.connect('viewer-1');
    control.subscribe('weather.*');
    control.register('add', 0);
    await town.connect(EVIL);
    await town.gateway.live.audio.join(JOIN);
    await town.gateway.live.audio.stream('ada', new EarWire());
    browser = await launchChromium();
    mkdirSync(ARTEFACTS, { recursive: true });
  });
  beforeEach(() => {
    faults = [];
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await town.stop();
  });

  async function opened(
    area = '',
    { token = true, ...options }: BrowserContextOptions & { token?: boolean } = {},
  ): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 960 }, ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith(town.address) && !/^(?:data|blob):/.test(request.url())) faults.push(request.url());
    });
    await page.goto(`${town.address}/${token ? `#token=${TOKEN}` : ''}`);
    if (area !== '') await page.getByRole('navigation').getByRole('link', { name: area }).click();
    return page;
  }

  const detail = async (id: string): Promise<ActorDetail> =>
    (await (await fetch(`${town.address}/api/actors/${encodeURIComponent(id)}`)).json()) as ActorDetail;

  const panel = (page: Page) => page.getByRole('complementary');
  it('E-a8 draws the chart of an actor and marks the states in which it stands', async () => {
    const page = await opened();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await poll(() => panel(page).getByRole('heading', { level: 2 }).textContent()).toBe('camera:front');
    await eventually(
      'the marked states are those of the actor',
      async () => {
        const marked = await page.evaluate<string[]>(MARKED);
        const { activeStates } = await detail(CAMERA);
        const leaves = activeStates.filter((state) => !activeStates.some((other) => other.startsWith(`${state}.`)));
        return { marked, leaves: leaves.map((state) => `camera.${state}`) };
      },
      ({ marked, leaves }) => marked.length > 0 && marked.join() === leaves.join(),
    );
    expect(await page.getByRole('img', { name: /^Chart of camera, now in/ }).count()).toBe(1);
    await page.screenshot({ path: `${ARTEFACTS}page-actor.png` });
    expect(faults).toEqual([]);
  });

  it('E-a2 tells of an actor what it holds, who watches whom, what happened to it, and why it last ended', async () => {
    const page = await opened();
    const [client] = town.gateway.live.clients();
    const id = client?.id ?? '';
    await page.getByRole('searchbox', { name: /Search actors/ }).fill(id);
    await page.getByRole('treeitem', { name: id }).first().click();
    const watchers = page.locator('#detail-watched-by');
    await poll(() => watchers.textContent()).not.toBe('');
    const { watchedBy } = await detail(id);
    for (const watcher of watchedBy) expect(await watchers.textContent()).toContain(watcher.split('/').at(-1));
    expect(await page.locator('#detail-events').textContent()).toContain('process.started');
    expect(await page.locator('#detail-why').textContent()).toContain('has not ended');
    expect(await page.locator('#detail-holds').textContent()).not.toBe('');
    await page.keyboard.press('Escape');
    await poll(() => panel(page).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('E-a2 E-a8 shows what an actor remembers, and gives its chart and messages as files', async () => {
    const page = await opened();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await page.getByText('Remembers', { exact: true }).click();
    await poll(() => page.locator('#detail-context').textContent()).toContain('lingerMs');
    const saved = async (name: string): Promise<string> => {
      const saving = page.waitForEvent('download');
      await page.getByRole('button', { name, exact: true }).click();
      return readFileSync((await (await saving).path()) ?? '', 'utf8');
    };
    const marked = (await detail(CAMERA)).activeStates.at(-1) ?? '';
    const mermaid = await saved('Chart as Mermaid');
    expect(mermaid).toMatch(/^stateDiagram-v2/);
    expect(mermaid).toContain(`class camera_${marked.replaceAll('.', '_')} now`);
    expect(JSON.parse(await saved('Chart as JSON'))).toMatchObject({ kind: 'camera', definition: { id: 'camera' } });
    expect(await saved('Messages as Mermaid')).toMatch(/^sequenceDiagram\n(?:.*\n)*? {2}others->>a0: demand\.began\n/);
    expect(faults).toEqual([]);
  });

  it('E-a8 draws the chart of an actor that is none of the gateway, from the chart itself', async () => {
    const page = await opened();
    await page.getByRole('searchbox', { name: /Search actors/ }).fill('turnstile');
    await page.getByRole('treeitem', { name: /turnstile/ }).click();
    await poll(() => page.evaluate<string[]>(MARKED)).toEqual(['turnstile.locked']);
    expect(
      await panel(page)
        .getByRole('img', { name: /^Chart of turnstile, now in locked/ })
        .count(),
    ).toBe(1);
    await page.screenshot({ path: `${ARTEFACTS}page-host-actor.png` });
    expect(faults).toEqual([]);
  });

  it('asks before it kills, says that this cannot be undone, and explains the end in one paragraph', async () => {
    const page = await opened();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await panel(page).getByRole('button', { name: 'Kill' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('cannot be undone');
    await dialog.getByRole('button', { name: 'Kill camera:front' }).click();
    await poll(() => page.locator('#detail-why').textContent()).toContain('killed');
    expect(await page.locator('#detail-why').textContent()).toContain(CAMERA);
    await poll(() => page.locator('#detail-facts').textContent()).toMatch(/Restarts\s*1/);
    expect(faults).toEqual([]);
  });

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
    expect(faults).toEqual([]);
  });

  it('E-a3 shows clients, sessions and streams, with what waits and what was dropped', async () => {
    // It takes one picture and no more: what comes then waits, and is dropped in the end.
    await town.gateway.live.watch({ cameraId: 'front' }, 'viewer-1', new HeldWire());
    const page = await opened('Clients');
    await poll(() => page.locator('#clients tr').count()).toBe(2);
    await poll(() => page.locator('#sessions tr').count()).toBe(2);
    const stream = page.locator('#streams tr', { hasText: 'front' });
    await eventually(
      'frames wait for the reader that is stuck',
      () => stream.locator('td').allTextContents(),
      (cells) => Number(cells[4]) > 0 && Number(cells[6]) > 0,
    );
    await page.screenshot({ path: `${ARTEFACTS}page-clients.png` });
    expect(faults).toEqual([]);
  });

  it('E-a3 shows rooms, services and topics', async () => {
    const page = await opened('Rooms & services');
    await poll(() => page.locator('#rooms').textContent()).toContain('lobby');
    expect(await page.locator('#rooms').textContent()).toContain('ada');
    expect(await page.locator('#services').textContent()).toContain('add');
    expect(await page.locator('#topics').textContent()).toContain('weather.*');
    await page.screenshot({ path: `${ARTEFACTS}page-services.png` });
    expect(faults).toEqual([]);
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
    await page.screenshot({ path: `${ARTEFACTS}page-leaks.png` });
    town.system.census.remove(lost);
    await poll(() => list.locator('.bad').count()).toBe(0);
    expect(faults).toEqual([]);
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
    expect(faults).toEqual([]);
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
    expect(faults).toEqual([]);
  });

  it('acts on nothing without the token: every button that acts is disabled and says why', async () => {
    const page = await opened('', { token: false });
    for (const area of ['Overview', 'Clients', 'Resources']) {
      await page.getByRole('link', { name: area }).click();
      const acting = page.locator('button[data-acts]:visible');
      await poll(() => acting.count()).toBeGreaterThan(0);
      for (const button of await acting.all()) {
        expect([await button.isDisabled(), await button.getAttribute('title')]).toEqual([
          true,
          expect.stringContaining('Read-only'),
        ]);
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
    await page.setViewportSize({ width: 390, height: 844 });
    for (const area of AREAS) {
      await page.getByRole('link', { name: area }).click();
      await poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    await page.locator('#detail-chart .chart').waitFor();
    await page.screenshot({ path: `${ARTEFACTS}page-phone-${colorScheme}.png` });
    expect(faults).toEqual([]);
  });
});

const AREAS = ['Overview', 'Processes', 'Clients', 'Rooms & services', 'Resources', 'Leaks', 'Replay'];
