/** The ports that others come to. */
import { z } from 'zod';
import { count, port, positiveMs } from './values.js';

export const grpcKeys = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(50_051).describe('0: any free one.'),
    keepalive: z
      .strictObject({
        timeMs: positiveMs.default(10_000).describe('A connection silent for so long is asked whether it lives.'),
        timeoutMs: positiveMs.default(5_000).describe('How long it may take to answer.'),
      })
      .prefault({}),
    maxMessageBytes: count.default(4 * 1024 * 1024).describe('A larger message ends its call with RESOURCE_EXHAUSTED.'),
  })
  .prefault({});

export const httpKeys = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(8_080).describe('0: any free one.'),
    token: z.string().min(8).max(512).optional().describe('Needed for actions. Without, the page is read-only.'),
  })
  .prefault({});
