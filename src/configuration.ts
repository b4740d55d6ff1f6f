/**
 * The configuration: its shape, its defaults, and what is said when it is wrong. One schema serves the library's options,
 * the file that `sluice serve` reads, and the reference page in `docs/configuration.md`.
 *
 * Only what this version does is here; a key that nothing reads would be a lie. An unknown key is refused by its path.
 */
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { OVERFLOW_POLICIES } from './flow/outbox.js';
import { CHOICES } from './gateway/call-table.js';

const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const positiveMs = ms.min(1);
const count = z.number().int().min(1);
const port = z.number().int().min(0).max(65_535);
const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w.:-]+$/, 'expected letters, digits and . _ : -');

const retry = z.strictObject({
  attempts: count.max(1_000).default(3).describe('Tries in the fast lane before the camera counts as disconnected.'),
  delayMs: ms.default(500).describe('Pause between fast tries.'),
  slowMs: positiveMs.default(1_000).describe('First pause of the slow lane; it doubles.'),
  slowMaxMs: positiveMs.default(10_000).describe('Longest pause of the slow lane.'),
});

const camera = z.strictObject({
  id: id.describe('How viewers name it.'),
  source: z.string().min(1).max(4_096).describe('Where its pictures come from: `clip:`, `http://…`, `https://…`.'),
  onDemand: z.boolean().default(true).describe('Open the source only while somebody watches.'),
  lingerMs: ms.default(5_000).describe('How long the source stays open after the last viewer has left.'),
  staleMs: positiveMs.default(5_000).describe('Without a picture for so long the camera is stale.'),
  connectMs: positiveMs.default(5_000).describe('How long a source may take to answer.'),
  firstFrameMs: positiveMs
    .default(10_000)
    .describe('How long the first picture may take, and how long stale is borne.'),
  retry: retry.prefault({}),
  fps: z.number().positive().max(1_000).optional().describe('Pictures above this rate are skipped. Default: all.'),
  queueFrames: count.max(10_000).default(10).describe("Frames that wait for a viewer; the viewers' default."),
  overflow: z
    .enum(OVERFLOW_POLICIES as [string, ...string[]])
    .default('drop_oldest')
    .describe('What a full queue does.'),
});

export const configurationSchema = z.strictObject({
  node: z
    .strictObject({
      id: id.default(() => `node-${nanoid(8)}`).describe('Name of this gateway. Default: random.'),
      realm: z.string().min(1).max(128).default('default').describe('Clients of another realm are refused.'),
    })
    .prefault({}),
  grpc: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(50_051).describe('0: any free one.'),
      keepalive: z
        .strictObject({
          timeMs: positiveMs.default(10_000).describe('A connection silent for so long is asked whether it lives.'),
          timeoutMs: positiveMs.default(5_000).describe('How long it may take to answer.'),
        })
        .prefault({}),
      maxMessageBytes: count
        .default(4 * 1024 * 1024)
        .describe('A larger message ends its call with RESOURCE_EXHAUSTED.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(8_080).describe('0: any free one.'),
      token: z.string().min(8).max(512).optional().describe('Needed for actions. Without, the page is read-only.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      clients: count.default(10_000),
      streamsPerClient: count.default(16),
      cameras: count.default(1_000),
      viewersPerCamera: count.default(10_000),
      calls: count.default(10_000).describe('Calls that wait for their answers.'),
      services: count.default(10_000).describe('Registrations of procedures.'),
      topicsPerClient: count.default(1_000).describe('Patterns that one client may subscribe to.'),
      channels: count.default(1_000).describe('Connections to others that are open at once.'),
    })
    .prefault({}),
  session: z
    .strictObject({
      graceMs: ms.default(60_000).describe('How long a lost client may come back to its session.'),
      attachMs: positiveMs.default(30_000).describe('How long a new session waits for its client.'),
      inactivityMs: positiveMs.default(30_000).describe('A client that says nothing for so long is gone.'),
      heartbeatMs: positiveMs.default(5_000).describe('How often the gateway beats to each client.'),
      tokenTtlMs: positiveMs
        .default(600_000)
        .describe('How long a resume token opens its session, once its client is lost.'),
    })
    .prefault({}),
  app: z
    .strictObject({
      graceMs: positiveMs.default(5_000).describe('How long an app whose connection dropped may come back by itself.'),
      attempts: count.max(10).default(2).describe('Tries of a webhook, and starts in a row before the slow lane.'),
      webhookTimeoutMs: positiveMs.default(10_000).describe('How long one try of a webhook may take.'),
      slowLaneMs: positiveMs.default(30_000).describe('Longest pause between starts of an app that keeps ending.'),
    })
    .prefault({}),
  stream: z
    .strictObject({
      queueFrames: count.max(100_000).default(200).describe('Publications that wait for one client.'),
      queueBytes: count.default(8 * 1024 * 1024).describe('Bytes that wait for one stream.'),
      overflow: z
        .enum(OVERFLOW_POLICIES.filter((policy) => policy !== 'block') as [string, ...string[]])
        .default('drop_newest')
        .describe("What a full queue of publications does; a camera's viewers have their own."),
      sendTimeoutMs: positiveMs.default(2_000).describe('A full queue with no completed write for so long is stalled.'),
      stallMs: positiveMs.default(30_000).describe('How long a stalled stream is kept.'),
    })
    .prefault({}),
  services: z
    .strictObject({
      ttlMs: positiveMs
        .default(300_000)
        .describe('How long a registration lives that is not used and whose provider is not heard.'),
      sweepMs: positiveMs.default(60_000).describe('How often those whose time is over are taken away.'),
    })
    .prefault({}),
  calls: z
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
    .prefault({}),
  channels: z
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
    .prefault({}),
  shutdown: z
    .strictObject({
      deadlineMs: ms.default(10_000).describe('How long a drain may take before it is forced.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    })
    .prefault({}),
  cameras: z.array(camera).max(10_000).default([]),
});

/** What may be given: every key is optional. */
export type ConfigurationInput = z.input<typeof configurationSchema>;
export type Configuration = z.output<typeof configurationSchema>;

/** The configuration is wrong; the message is one line for each fault: which key, what was expected, what came. */
export class ConfigurationError extends Error {
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigurationError';
  }
}

/** Fills in the defaults. Throws a `ConfigurationError` that names every wrong key by its path. */
export function configure(input: unknown): Configuration {
  const result = configurationSchema.safeParse(input ?? {});
  if (!result.success) {
    // What has the wrong type is not also too small: of each key the first fault is told.
    const first = new Map<string, z.core.$ZodIssue>();
    for (const issue of result.error.issues) {
      if (!first.has(pathText(issue.path))) first.set(pathText(issue.path), issue);
    }
    throw new ConfigurationError([...first.values()].map((issue) => faultLine(issue, input)));
  }
  const ids = new Set<string>();
  for (const [index, { id: cameraId }] of result.data.cameras.entries()) {
    if (ids.has(cameraId)) throw new ConfigurationError([`cameras[${index}].id: "${cameraId}" is there twice`]);
    ids.add(cameraId);
  }
  return result.data;
}

function faultLine(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `${pathText([...issue.path, key])}: unknown key`;
  }
  const came = issue.path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
  const where = issue.path.length === 0 ? 'configuration' : pathText(issue.path);
  // What came is shown by its type and not in full: a token of the wrong length is still a secret.
  const shown = typeof came === 'number' || typeof came === 'boolean' ? String(came) : kindOf(came);
  return `${where}: ${issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')}, got ${shown}`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );
}
