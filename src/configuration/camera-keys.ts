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

const record = z.strictObject({
  dir: z.string().min(1).max(4_096).describe('A folder; each camera gets one of its own in it.'),
  segmentSeconds: count.max(86_400).default(60).describe('How long a segment is.'),
  segmentBytes: count
    .min(64 * 1024)
    .default(256 * 1024 * 1024)
    .describe('How large a segment may become before its time is over.'),
  maxAgeHours: z.number().positive().max(1_000_000).optional().describe('Older segments go. Default: they stay.'),
  maxBytes: count.optional().describe('Of complete segments; beyond it the oldest go. Default: no limit.'),
  maxSegments: count.optional().describe('Complete segments; beyond it the oldest go. Default: no limit.'),
  quality: z
    .number()
    .int()
    .min(0)
    .max(100)
    .default(70)
    .describe('Of the pictures as they are stored; needs `sharp`. 0: as they come.'),
  minFreeBytes: z
    .number()
    .int()
    .min(0)
    .default(1024 ** 3)
    .describe('Less room on the disk is a warning, half of it one picture a second, a quarter of it a pause.'),
  sessionMinutes: count
    .max(1_000_000)
    .default(30)
    .describe('What is recorded without a break is one session for so long.'),
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
  record: record.optional(),
});
