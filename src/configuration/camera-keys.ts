/** What is said of one camera. */
import { z } from 'zod';
import { OVERFLOW_POLICIES } from '../flow/outbox.js';
import { count, id, ms, positiveMs } from './values.js';

const retry = z.strictObject({
  attempts: count.max(1_000).default(3).describe('Tries in the fast lane before the camera counts as disconnected.'),
  delayMs: ms.default(500).describe('Pause between fast tries.'),
  slowMs: positiveMs.default(1_000).describe('First pause of the slow lane; it doubles.'),
  slowMaxMs: positiveMs.default(10_000).describe('Longest pause of the slow lane.'),
});

const jpeg = z.strictObject({
  quality: z.number().int().min(1).max(100).default(80).describe('Of the pictures made anew. Needs `sharp`.'),
  width: count.max(16_384).optional().describe('Wider pictures are scaled down to it. Default: as they are.'),
});

export const cameraKeys = z.strictObject({
  id: id.describe('How viewers name it.'),
  source: z.string().min(1).max(4_096).describe('Where its pictures come from: a URL, as in [cameras](cameras.md).'),
  onDemand: z.boolean().default(true).describe('Open the source only while somebody watches.'),
  lingerMs: ms.default(5_000).describe('How long the source stays open after the last viewer has left.'),
  staleMs: positiveMs.default(5_000).describe('Without a picture for so long the camera is stale.'),
  connectMs: positiveMs.default(5_000).describe('How long a source may take to answer.'),
  firstFrameMs: positiveMs
    .default(10_000)
    .describe('How long the first picture may take, and how long stale is borne.'),
  retry: retry.prefault({}),
  fps: z.number().positive().max(1_000).optional().describe('Pictures above this rate are skipped. Default: all.'),
  stillMs: positiveMs
    .optional()
    .describe('Still pictures, fetched one by one so far apart (`http(s)://` only). Default: a stream.'),
  jpeg: jpeg.optional(),
  bufferBytes: count
    .min(64 * 1024)
    .max(1024 * 1024 * 1024)
    .default(10 * 1024 * 1024)
    .describe('What waits to become a whole picture. When it is full, its last half is kept.'),
  chunkBytes: count
    .min(1024)
    .max(16 * 1024 * 1024)
    .default(64 * 1024)
    .describe('How much of what came is taken at a time.'),
  queueFrames: count.max(10_000).default(10).describe("Frames that wait for a viewer; the viewers' default."),
  overflow: z
    .enum(OVERFLOW_POLICIES as [string, ...string[]])
    .default('drop_oldest')
    .describe('What a full queue does.'),
});
