/** Several gateways as one. */
import { z } from 'zod';
import { ms, positiveMs } from './values.js';

const text = z.string().min(1).max(4_096);

export const clusterKeys = z
  .strictObject({
    nats: text
      .regex(
        /^(nats|tls):\/\/[^\s,]+(,(nats|tls):\/\/[^\s,]+)*$/,
        'expected nats://host:port, several parted by commas',
      )
      .optional()
      .describe('The NATS servers, the nearest first, parted by commas. Default: none, this gateway is alone.'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, 'expected up to 32 letters, digits, _ and -')
      .default('sluice')
      .describe('Begins the names of buckets and subjects. Gateways of one prefix share their clients.'),
    replicas: z.literal([1, 3, 5]).default(1).describe('Copies of each record; as many servers.'),
    storage: z.enum(['file', 'memory']).default('file').describe('Where the servers keep records.'),
    eraBump: ms.default(0).describe('Raised by an operator after the engine was restored from a backup.'),
    user: text.optional(),
    pass: text.optional().describe('Secret.'),
    token: text.optional().describe('Secret.'),
    creds: text.optional().describe('Path of a credentials file.'),
    nkey: text.optional().describe("Path of a file with an nkey's seed."),
    tls: z
      .strictObject({ ca: text.optional(), cert: text.optional(), key: text.optional() })
      .optional()
      .describe('Paths of PEM files.'),
    ttlMs: positiveMs
      .default(12_000)
      .describe(
        'The engine gives up a gateway that has not renewed its lease for so long; with one server 5000 will do.',
      ),
    marginMs: positiveMs.default(1_000).describe('How long before that the gateway stops acting by itself.'),
    renewMs: positiveMs.default(1_000).describe('How often a lease is renewed.'),
    silenceMs: positiveMs.default(2_000).describe('After how much silence another gateway counts as suspect.'),
    answerMs: positiveMs.default(1_500).describe('How long the engine may take to answer.'),
  })
  .refine(({ ttlMs, marginMs, renewMs }) => ttlMs - marginMs > renewMs, {
    path: ['ttlMs'],
    error: 'expected more than marginMs and renewMs together: a lease has to be renewed before it is let go',
  })
  .prefault({});
