/** What is said of the log. */
import { z } from 'zod';
import { count } from './values.js';

const rotate = z
  .strictObject({
    bytes: count
      .min(1024)
      .optional()
      .describe('A file that has reached so many bytes is followed by a new one. Default: of any size.'),
    every: z.enum(['hour', 'day']).optional().describe('A new file so often. Default: never by time.'),
    keep: z.number().int().min(0).max(10_000).default(7).describe('Old files that are kept.'),
  })
  .refine(({ bytes, every }) => bytes !== undefined || every !== undefined, 'expected bytes or every, got neither');

export const logKeys = z
  .strictObject({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    file: z.string().min(1).max(4_096).optional().describe('Where the log goes. Default: standard output.'),
    rotate: rotate.optional(),
  })
  .refine(({ file, rotate: asked }) => !asked || file !== undefined, {
    message: 'expected log.file beside it',
    path: ['rotate'],
  })
  .prefault({});
