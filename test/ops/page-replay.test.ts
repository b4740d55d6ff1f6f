/**
 * A camera whose ffmpeg is really killed, and that is killed itself then: its recording, exported by the command line and by the
 * page, is replayed in a real Chromium, step by step.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Life, readRecording } from '../../src/ops/page/recording-file.js';
import { ffmpegIsThere } from '../e2e/ffmpeg-camera.js';
import { chromiumPath } from './chromium.js';
import { CrashedCamera } from './crashed-camera.js';
import { receivedByStately } from './flight/stately-receiver.js';
import { CONTRAST, FOCUSED, MARKED_IN_REPLAY, NAMELESS, TWICE } from './page-scripts.js';
import { ARTEFACTS, IN_TIME, Visits } from './page-visits.js';

const poll = <T>(look: () => T) => expect.poll(look, IN_TIME);

describe.skipIf(!chromiumPath || !ffmpegIsThere)('the recording of a crashed camera (needs: chromium, ffmpeg)', () => {
  let visits: Visits;
  let story: CrashedCamera;
  let folder: string;
  /** Made by `sluice flight`. */
  let file: string;
  /** The life that was ended, as it stands in the file. */
  let crashed: Life;

  beforeAll(async () => {
    story = await CrashedCamera.start();
    const text = await story.recording();
    folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
    file = join(folder, 'crash.ndjson');
    writeFileSync(file, text);
    [crashed] = readRecording(text) as [Life];
    visits = await Visits.start();
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.stop();
    await story.stop();
    rmSync(folder, { recursive: true });
  });

  const opened = (hash: string, options: BrowserContextOptions = {}): Promise<Page> =>
    visits.open(story.address, hash, options);

  async function opensFile(page: Page, path: string): Promise<void> {
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Open a recording…' }).click();
    await (await choosing).setFiles(path);
  }

  const where = (page: Page) => page.locator('#replay-where').textContent();
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const leavesOf = (value: unknown, outer = 'camera'): readonly string[] =>
    typeof value === 'string'
      ? [`${outer}.${value}`]
      : Object.entries(value as object).flatMap(([name, inner]) => leavesOf(inner, `${outer}.${name}`));

  it('holds the way to the crash, what it carried, and what the supervisor did then', () => {
    const { moments } = crashed;
    const steps = moments.filter(({ kind }) => kind === 'step').map(({ event }) => event);
    expect(steps).toContain('source.failed');
    expect(crashed.endedWith).toBe('killed');
    const after = moments.slice(moments.findIndex(({ kind }) => kind === 'end') + 1);
    expect(after.map(({ event }) => event)).toEqual(expect.arrayContaining(['process.down', 'process.restarted']));
    // Nothing is told twice: the restart is one event.
    expect(after.filter(({ event }) => event === 'child.backingOff')).toHaveLength(1);
    expect(moments.filter(({ event }) => event === 'child.backingOff')).toHaveLength(1);
    // Why it was tried again stands beside the step.
    const retrying = moments.find(({ event }) => event === 'camera.retrying');
    expect(JSON.stringify(retrying?.data)).toContain('SIGKILL');
  });

  it('passes through a real receiver of the Stately inspector, line by line', async () => {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const seen = await receivedByStately(lines);
    expect(seen[0]).toMatchObject({ type: '@xstate.actor', name: 'camera:front' });
    expect(seen.map(({ type }) => type)).toEqual(lines.map((line) => (JSON.parse(line) as { type: string }).type));
  });

  it('replays in the page from the file: each step with the state marked in the chart', async () => {
    const page = await opened('#replay');
    await opensFile(page, file);
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    for (const [at, moment] of crashed.moments.entries()) {
      await poll(() => where(page)).toBe(`moment ${at + 1} of ${crashed.moments.length}`);
      await poll(() => page.evaluate<string[]>(MARKED_IN_REPLAY)).toEqual([...leavesOf(moment.value)].sort());
      const said = await page.locator('#replay-now').textContent();
      for (const [name, value] of moment.data) expect(said).toContain(`${name}${value}`);
      if (moment.event !== '' && !moment.event.startsWith('xstate.')) expect(said).toContain(moment.event);
      if (at < crashed.moments.length - 1) await button(page, 'One moment forward').click();
    }
    expect(await button(page, 'One moment forward').isDisabled()).toBe(true);
    await button(page, 'One moment back').click();
    await poll(() => where(page)).toBe(`moment ${crashed.moments.length - 1} of ${crashed.moments.length}`);
    await button(page, 'First moment').click();
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    expect(visits.faults).toEqual([]);
  });

  it('is walked by keys, by the list, and by a slider over time', async () => {
    const page = await opened('#replay');
    await opensFile(page, file);
    const total = crashed.moments.length;
    await poll(() => where(page)).toBe(`moment 1 of ${total}`);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await poll(() => where(page)).toBe(`moment 3 of ${total}`);
    await page.keyboard.press('ArrowLeft');
    await poll(() => where(page)).toBe(`moment 2 of ${total}`);
    await page.keyboard.press('End');
    await poll(() => where(page)).toBe(`moment ${total} of ${total}`);
    await page
      .getByRole('button', { name: /camera\.retrying/ })
      .first()
      .click();
    const retrying = crashed.moments.findIndex(({ event }) => event === 'camera.retrying');
    await poll(() => where(page)).toBe(`moment ${retrying + 1} of ${total}`);
    expect(await page.evaluate(FOCUSED)).toContain('camera.retrying');
    const slider = page.getByRole('slider', { name: 'Time' });
    const begins = crashed.moments[0]?.atMs ?? 0;
    const ends = crashed.moments.at(-1)?.atMs ?? 0;
    const middle = Math.round((ends - begins) / 2);
    await slider.fill(String(middle));
    const expected = crashed.moments.filter(({ atMs }) => atMs - begins <= middle).length;
    await poll(() => where(page)).toBe(`moment ${expected} of ${total}`);
    expect(await slider.getAttribute('aria-valuetext')).toContain(`moment ${expected} of`);
    expect(visits.faults).toEqual([]);
  });

  it('is taken from the panel of the actor, saved there, and is the file of the command line', async () => {
    const page = await opened('');
    await page.getByRole('treeitem', { name: /camera:front/ }).click();
    const saving = page.waitForEvent('download');
    await button(page, 'Save recording').click();
    const download = await saving;
    expect(download.suggestedFilename()).toBe('camera-front.ndjson');
    const saved = readRecording(readFileSync((await download.path()) ?? '', 'utf8'));
    expect(saved[0]).toEqual(crashed);
    await button(page, 'Replay').click();
    await poll(() => page.locator('#replay-about').textContent()).toContain('ended: killed');
    expect(await page.getByRole('combobox', { name: /Whose life/ }).inputValue()).toBe('0');
    expect(page.url()).toContain('#replay');
    expect(visits.faults).toEqual([]);
  });

  it('is offered where recordings are opened, for whoever has ended lately', async () => {
    const page = await opened('#replay');
    const ended = page.getByRole('list', { name: 'Ended lately, and not in order' });
    await poll(() => ended.textContent()).toContain('killed');
    await ended.getByRole('button', { name: 'sluice/cameras/camera:front' }).click();
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    expect(await ended.count()).toBe(0);
    expect(visits.faults).toEqual([]);
  });

  it('replays while the gateway is not there', async () => {
    const page = await opened('#replay');
    await page.route('**/api/**', (route) => route.abort());
    await page.route('**/health', (route) => route.abort());
    await opensFile(page, file);
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    // The chart is drawn from the file then.
    for (let presses = 0; presses < 2; presses += 1) await page.keyboard.press('ArrowRight');
    const third = crashed.moments[2];
    await poll(() => page.evaluate<string[]>(MARKED_IN_REPLAY)).toEqual([...leavesOf(third?.value)].sort());
    await page.screenshot({ path: `${ARTEFACTS}page-replay-boxes.png` });
  });

  it('is dropped onto the page', async () => {
    const page = await opened('#replay');
    await page.evaluate(dropping(readFileSync(file, 'utf8')));
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    expect(visits.faults).toEqual([]);
  });

  it.each([
    ['no JSON', 'hello', /Line 1 is not JSON: "hello"\.$/],
    ['nothing to replay', '{"type":"other"}\n', /Nothing in it can be replayed/],
    ['a number', '{}\n7\n', /Line 2 is not an object: "7"\.$/],
    ['an empty file', '', /Nothing in it can be replayed/],
    ['too large', 'x'.repeat(17 * 1024 * 1024), /It has 17 MiB; a recording may have 16 MiB\.$/],
  ])('is refused with one line for a file that is none: %s', async (_what, content, said) => {
    const page = await opened('#replay');
    const bad = join(folder, 'bad.ndjson');
    writeFileSync(bad, content);
    await opensFile(page, bad);
    await poll(() => page.locator('#replay-bad').textContent()).toMatch(said);
    expect(await page.locator('#replay-bad').textContent()).toMatch(/^bad\.ndjson is no recording\. [^\n]+$/);
    expect(visits.faults).toEqual([]);
  });

  it('takes whatever stands in a file for text', async () => {
    const evil = '<img src=x onerror="document.title=1">';
    const states = { [evil]: { on: { [evil]: evil } } };
    const lines = [
      {
        type: '@xstate.actor',
        sessionId: evil,
        name: evil,
        definition: JSON.stringify({ id: evil, states }),
        snapshot: {},
      },
      { type: '@xstate.event', sessionId: evil, createdAt: 'never', event: { type: evil, [evil]: evil } },
      {
        type: '@xstate.snapshot',
        sessionId: evil,
        createdAt: '1e999',
        event: {},
        snapshot: { status: 'active', value: evil },
      },
      { type: '@xstate.snapshot', sessionId: evil, snapshot: { status: 'error', error: evil } },
    ];
    const path = join(folder, 'evil.ndjson');
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const page = await opened('#replay');
    await opensFile(page, path);
    await poll(() => page.locator('#replay-event').textContent()).toBe(evil);
    await page.keyboard.press('End');
    await poll(() => page.locator('#replay-event').textContent()).toBe(`ended: ${evil}`);
    expect(await page.evaluate(`document.querySelectorAll('img[src="x"]').length`)).toBe(0);
    expect(await page.title()).not.toBe('1');
  });

  it.each(['light', 'dark'] as const)('can be read in the colours of %s, and on a phone', async (colorScheme) => {
    const page = await opened('#replay', { colorScheme });
    await page.getByText('Drop a recording here').waitFor();
    await poll(() => page.evaluate(CONTRAST)).toEqual([]);
    await page.screenshot({ path: `${ARTEFACTS}page-replay-empty-${colorScheme}.png` });
    await opensFile(page, file);
    await poll(() => where(page)).toBe(`moment 1 of ${crashed.moments.length}`);
    const failed = crashed.moments.findIndex(({ event }) => event === 'source.failed');
    for (let presses = 0; presses < failed; presses += 1) await page.keyboard.press('ArrowRight');
    await poll(() => page.evaluate<string[]>(MARKED_IN_REPLAY)).toHaveLength(1);
    expect(await page.evaluate(NAMELESS)).toEqual([]);
    expect(await page.evaluate(TWICE)).toEqual([]);
    await poll(() => page.evaluate(CONTRAST)).toEqual([]);
    await page.screenshot({ path: `${ARTEFACTS}page-replay-${colorScheme}.png` });
    await page.setViewportSize({ width: 390, height: 844 });
    await poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.screenshot({ path: `${ARTEFACTS}page-replay-phone-${colorScheme}.png`, fullPage: true });
    expect(visits.faults).toEqual([]);
  });
});

/** Drops a file with this content onto the area, as a hand would. */
const dropping = (content: string) => `(() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([${JSON.stringify(content)}], 'crash.ndjson'));
  const place = document.querySelector('#area-replay');
  for (const type of ['dragover', 'drop']) {
    place.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
  }
})()`;
