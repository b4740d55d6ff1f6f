/**
 * "Why" across the gateway's own actors. A gateway never lets a disk's troubles end a camera; a host may want it otherwise. Here a
 * host's child links the real recorder, camera and room: who cannot be recorded shall be neither seen nor heard. Then a real
 * disk is full, and the story is asked for over HTTP, by the command line and on the page.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWhy, type WhyAnswer } from '../../src/cli/why.js';
import type { LeaksView } from '../../src/gateway/views.js';
import type { ChildSpec } from '../../src/otp/child-spec.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { exit, link, trapExit } from '../../src/otp/signals.js';
import { outputs } from '../cli/captured.js';
import { eventually } from '../e2e/eventually.js';
import { EarWire } from '../gateway/audio-town.js';
import { writingAs } from '../gateway/recorded-gateway.js';
import { chromiumPath, launchChromium } from './chromium.js';
import { Town } from './page-town.js';
import { ARTEFACTS } from './page-visits.js';

const RECORDER = 'sluice/cameras/recorder:front';
const CAMERA = 'sluice/cameras/camera:front';
const ROOM = 'sluice/rooms/room:lobby';
const JOIN = { userId: 'ada', roomName: 'lobby', token: '', roomUrl: '', targetIdentity: '' };

function actorOf({ system }: Town, path: string) {
  const process = [...system.processes].find((one) => one.path === path);
  if (!process) throw new Error(`there is no actor ${path}`);
  return process.ref;
}

/** The host's rule, as a child of its own: the three end together, and a disk that fails ends the recorder. */
function strict(town: Town): ChildSpec {
  const logic = fromProcess(({ scope }) => {
    const bound = new Set<string>();
    const bind = (a: string, b: string): void => {
      for (const path of [a, b]) trapExit(actorOf(town, path), false);
      link(actorOf(town, a), actorOf(town, b));
      bound.add(a).add(b);
    };
    const unlisten = town.gateway.chronicle.listen(({ type, reason }) => {
      if (type === 'room.opened') {
        bind(RECORDER, CAMERA);
        bind(CAMERA, ROOM);
      } else if (type === 'recorder.retrying' && bound.delete(RECORDER)) {
        exit(actorOf(town, RECORDER), new Error(reason));
      }
    });
    scope.acquire('listener', unlisten);
    return undefined;
  });
  return { id: 'strict', start: { logic } };
}

describe('a disk error that takes the recorder, which takes its camera, which takes its room', () => {
  let town: Town;
  let folder: string;
  let browser: Browser | undefined;
  let isFull = false;

  beforeAll(async () => {
    // What the kernel says of a device without room, at the next picture.
    const archives = writingAs((write) => (isFull ? writeFile('/dev/full', 'a picture') : write()));
    folder = mkdtempSync(join(tmpdir(), 'sluice-cascade-'));
    const record = { dir: folder, quality: 0, minFreeBytes: 0 };
    town = await Town.start(
      { cameras: [{ id: 'front', source: 'clip:', record }] },
      { archives, children: (one) => [strict(one)] },
    );
    await town.gateway.live.audio.join(JOIN);
    await town.gateway.live.audio.stream('ada', new EarWire());
    const recording = () => town.gateway.cameras.views()[0]?.recording;
    await eventually('pictures are recorded', recording, (seen) => (seen?.frames ?? 0) > 3);
    isFull = true;
    await eventually('the room has ended', () => town.gateway.chronicle.why(ROOM).length > 0);
    isFull = false;
    mkdirSync(ARTEFACTS, { recursive: true });
    if (chromiumPath) browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await town.stop();
    rmSync(folder, { recursive: true });
  });

  const whyOf = async (id: string) =>
    (await (await fetch(`${town.address}/api/why/${encodeURIComponent(id)}`)).json()) as WhyAnswer;

  it('is told over HTTP from the room back to the disk, by the true reason of each', async () => {
    const { why, paragraph } = await whyOf(ROOM);
    expect(why.map(({ actor }) => actor)).toEqual([ROOM, CAMERA, RECORDER]);
    for (const { reason } of why) expect(reason).toContain('ENOSPC');
    const times = why.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(paragraph).toMatch(new RegExp(`^First, ${RECORDER} ended.*That took ${CAMERA} .*Which took ${ROOM} `));
    expect((await whyOf(CAMERA)).why.map(({ actor }) => actor)).toEqual([CAMERA, RECORDER]);
    expect((await whyOf(RECORDER)).why.map(({ actor }) => actor)).toEqual([RECORDER]);
  });

  it('is told by sluice why in one line, in the same order', async () => {
    const told = outputs();
    expect(await runWhy({ url: town.address, id: ROOM, ...told })).toBe(0);
    expect(told.stdout.lines).toHaveLength(1);
    const places = [RECORDER, CAMERA, ROOM].map((path) => told.stdout.text.indexOf(path));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('leaves a gateway in which all is well again: recorder and camera are back, and nothing is lost', async () => {
    const alive = () => [...town.system.processes].map(({ path }) => path);
    await eventually('both were started again', alive, (paths) =>
      [RECORDER, CAMERA].every((one) => paths.includes(one)),
    );
    const { invariants } = (await (await fetch(`${town.address}/api/leaks`)).json()) as LeaksView;
    expect(invariants.filter(({ holds }) => !holds)).toEqual([]);
  });

  it.skipIf(!chromiumPath)(
    'is told on the page, and replayed from the recorder to the room (needs: chromium)',
    async () => {
      const page = await (browser as Browser).newPage({ viewport: { width: 1440, height: 960 } });
      await page.goto(`${town.address}/`);
      await page.getByRole('searchbox', { name: /Filter events/ }).fill('room:lobby');
      const ofRoom = page.getByText(ROOM, { exact: true });
      const down = page.locator('#events .event').filter({ hasText: 'process.down' }).filter({ has: ofRoom });
      await down.first().click();
      await expect.poll(() => page.locator('#detail-path').textContent(), { timeout: 15_000 }).toBe(ROOM);
      // It is dead; its story and its recording are still there.
      await expect
        .poll(() => page.locator('#detail-why').textContent(), { timeout: 15_000 })
        .toMatch(new RegExp(`^First, ${RECORDER} .*ENOSPC.*${CAMERA} .*${ROOM}`));
      const chain = page.getByRole('list', { name: 'From the first failure on' }).getByRole('button');
      expect(await chain.allTextContents()).toEqual(['recorder:front', 'camera:front', 'room:lobby']);
      await page.screenshot({ path: `${ARTEFACTS}page-cascade.png` });
      await page.getByRole('button', { name: 'Replay', exact: true }).click();
      await expect.poll(() => page.locator('#replay-about').textContent(), { timeout: 15_000 }).toContain('ENOSPC');
      await page.keyboard.press('Escape');
      await page.goto(`${town.address}/`);
      await page.getByRole('treeitem', { name: /recorder:front/ }).click();
      await page.getByRole('button', { name: 'Replay', exact: true }).click();
      const told = () => page.locator('#replay-moments .moment').allTextContents();
      await eventually('the cascade is among the moments, in order', told, (moments) => {
        const places = ['ended: Error: ENOSPC', 'camera:front', 'room:lobby'].map((text) =>
          moments.findIndex((moment) => moment.includes(text)),
        );
        return places.every((place, at) => place >= 0 && place > (places[at - 1] ?? -1));
      });
      await page.keyboard.press('End');
      await page.screenshot({ path: `${ARTEFACTS}page-cascade-replay.png` });
      await page.close();
    },
  );
});
