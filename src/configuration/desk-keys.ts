/** What goes between clients, and out to others: services, calls and channels. */
import { z } from 'zod';
import { CHOICES } from '../gateway/call-table.js';
import { count, ms, positiveMs } from './values.js';

export const servicesKeys = z
  .strictObject({
    ttlMs: positiveMs
      .default(300_000)
      .describe('How long a registration lives that is not used and whose provider is not heard.'),
    sweepMs: positiveMs.default(60_000).describe('How often those whose time is over are taken away.'),
  })
  .prefault({});

export const callsKeys = z
  .strictObject({
    timeoutMs: positiveMs.default(5_000).describe('How long a call may take that says nothing of it.'),
    attempts: count
      .max(100)
      .default(3)
      .describe('Providers that one call is put to, one after the other, as they die.'),
    choice: z
      .enum(CHOICES as [string, ...string[]])
      .default('round_robin')
      .describe('Which of several providers is asked.'),
  })
  .prefault({});

export const channelsKeys = z
  .strictObject({
    connectMs: positiveMs.default(5_000).describe('How long a connect to somebody may take.'),
    waitMs: ms.default(5_000).describe('How long to wait for room when every channel is in use.'),
    idleMs: positiveMs.default(300_000).describe('A channel that nobody has used for so long is closed.'),
    closeMs: ms.default(5_000).describe('How long a channel that is shut waits for its calls.'),
    keepalive: z
      .strictObject({
        timeMs: positiveMs
          .default(30_000)
          .describe('A channel with open calls, silent for so long, is asked whether it lives.'),
        timeoutMs: positiveMs.default(5_000).describe('How long it may take to answer.'),
      })
      .prefault({}),
  })
  .prefault({});
