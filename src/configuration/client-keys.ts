/** How clients, their sessions, their apps and their streams are kept. */
import { z } from 'zod';
import { OVERFLOW_POLICIES } from '../flow/outbox.js';
import { count, ms, positiveMs } from './values.js';

export const sessionKeys = z
  .strictObject({
    graceMs: ms.default(60_000).describe('How long a lost client may come back to its session.'),
    attachMs: positiveMs.default(30_000).describe('How long a new session waits for its client.'),
    inactivityMs: positiveMs.default(30_000).describe('A client that says nothing for so long is gone.'),
    heartbeatMs: positiveMs.default(5_000).describe('How often the gateway beats to each client.'),
    tokenTtlMs: positiveMs
      .default(600_000)
      .describe('How long a resume token opens its session, once its client is lost.'),
  })
  .prefault({});

export const appKeys = z
  .strictObject({
    graceMs: positiveMs.default(5_000).describe('How long an app whose connection dropped may come back by itself.'),
    attempts: count.max(10).default(2).describe('Tries of a webhook, and starts in a row before the slow lane.'),
    webhookTimeoutMs: positiveMs.default(10_000).describe('How long one try of a webhook may take.'),
    slowLaneMs: positiveMs.default(30_000).describe('Longest pause between starts of an app that keeps ending.'),
  })
  .prefault({});

export const streamKeys = z
  .strictObject({
    queueFrames: count
      .max(100_000)
      .default(200)
      .describe('Publications, or chunks of audio, that wait for one client.'),
    queueBytes: count.default(8 * 1024 * 1024).describe('Bytes that wait for one stream.'),
    overflow: z
      .enum(OVERFLOW_POLICIES.filter((policy) => policy !== 'block') as [string, ...string[]])
      .default('drop_newest')
      .describe("What a full queue of publications or audio does; a camera's viewers have their own."),
    maxAgeMs: positiveMs.default(2_000).describe('Audio that has waited for so long is dropped.'),
    sendTimeoutMs: positiveMs.default(2_000).describe('A full queue with no completed write for so long is stalled.'),
    stallMs: positiveMs.default(30_000).describe('How long a stalled stream is kept.'),
  })
  .prefault({});
