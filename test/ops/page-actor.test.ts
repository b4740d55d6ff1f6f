/** The panel of one actor on the page, in a real Chromium. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { ActorDetail } from '../../src/gateway/views.js';
import { eventually } from '../e2e/eventually.js';
import { chromiumPath } from './chromium.js';
import { MARKED } from './page-scripts.js';
import { TOKEN, Town } from './page-town.js';
import { ARTEFACTS, IN_TIME, Visits } from './page-visits.js';

const CAMERA = 'sluice/cameras/camera:front';

/** An actor of a host's. */
const turnstile = setup({}).createMachine({
  id: 'turnstile',
  initial: 'locked',
  states: { locked: { on: { coin: 'open' } }, open: { on: { push: 'locked' } } },
});

const poll = <T>(look: () => T) => expect.poll(look, IN_TIME);

describe.skipIf(!chromiumPath)('the panel of an actor (needs: chromium)', () => {
  let visits: Visits;
  let town: Town;

  beforeAll(async () => {
    const children = () => [{ id: 'turnstile', start: { logic: turnstile } }];
    town = await Town.start({ cameras: [{ id: 'front', source: 'clip:' }] }, { children });
    await town.connect('viewer-1');
    visits = await Visits.start();
  });
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.stop();
    await town.stop();
  });

  const opened = (): Promise<Page> => visits.open(town.address, `#token=${TOKEN}`);
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
    expect(visits.faults).toEqual([]);
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
    expect(visits.faults).toEqual([]);
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
    expect(visits.faults).toEqual([]);
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
    expect(visits.faults).toEqual([]);
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
    expect(visits.faults).toEqual([]);
  });
});
