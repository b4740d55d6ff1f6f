/** The kinds of value that keys of the configuration have. */
import { z } from 'zod';

export const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
export const positiveMs = ms.min(1);
export const count = z.number().int().min(1);
export const port = z.number().int().min(0).max(65_535);
export const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w.:-]+$/, 'expected letters, digits and . _ : -');
