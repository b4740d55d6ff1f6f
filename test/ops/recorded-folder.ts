/** A folder in which a camera "front" was recorded: three segments, a minute apart, of the demo clip's pictures. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { folderArchives } from '../../src/cameras/index.js';
import type { SluiceGateway } from '../../src/create-gateway.js';
import type { Frame } from '../../src/gateway/frame.js';
import type { Recording } from '../../src/gateway/recording.js';
import { pictures } from '../cameras/corpus.js';

const BEGAN_MS = Date.UTC(2026, 0, 31, 12);
const SEGMENTS = 3;
const PICTURES = 14;
const EVERY_MS = 100;

export interface RecordedFolder {
  readonly dir: string;
  readonly recordings: readonly Recording[];
  /** Of all pictures, in order. */
  readonly times: readonly number[];
  file(id: string): Buffer;
  remove(): void;
}

export async function recordedFolder(): Promise<RecordedFolder> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-recorded-'));
  const limits = { segmentSeconds: 60, segmentBytes: 1e9, minFreeBytes: 0, sessionMinutes: 30 };
  const archive = folderArchives('front', { dir, quality: 0, ...limits });
  await archive.open();
  const times: number[] = [];
  for (let minute = 0; minute < SEGMENTS; minute += 1) {
    const fromMs = BEGAN_MS + minute * 60_000;
    const stored = await Promise.all(
      pictures.slice(0, PICTURES).map((picture) => archive.stored({ picture } as Frame, () => {})),
    );
    const [first] = stored;
    if (!first) throw new Error('the demo clip holds no picture');
    const segment = await archive.begin(first, fromMs, undefined);
    for (const [index, picture] of stored.entries()) {
      times.push(fromMs + index * EVERY_MS);
      if (picture) await segment.write(picture, fromMs + index * EVERY_MS);
    }
    await segment.finish();
  }
  await archive.close();
  return {
    dir,
    recordings: archive.recordings,
    times,
    file: (id) => readFileSync(join(dir, 'front', `${id}.mkv`)),
    remove: () => rmSync(dir, { recursive: true }),
  };
}

/** It was stopped, and holds nothing any more. */
export function assertNothingHeld(gateway: SluiceGateway): void {
  expect(gateway.census()).toEqual({});
}
