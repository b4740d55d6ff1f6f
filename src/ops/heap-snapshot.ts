/**
 * A heap snapshot as a file. Taking one stops the whole process for as long as it takes and needs about as much memory as
 * the heap holds, so there is one at a time in this process, and a snapshot shows all that is in memory, secrets too.
 */
import { pipeline } from 'node:stream/promises';
import { getHeapSnapshot } from 'node:v8';
import type { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';

let running = false;

export async function heapSnapshot({ res }: Pick<Exchange, 'res'>): Promise<void> {
  if (running) throw new HttpError(429, 'heap_snapshot_running', 'a heap snapshot is being taken; one at a time');
  running = true;
  try {
    res.setHeader('Content-Type', 'application/octet-stream');
    res.setHeader('Content-Disposition', 'attachment; filename="sluice.heapsnapshot"');
    await pipeline(getHeapSnapshot(), res);
  } finally {
    running = false;
  }
}
