/**
 * The configuration: its shape, its defaults, and what is said when it is wrong; the larger sections are in
 * `configuration/`. One schema serves the library's options, the file that `sluice serve` reads, and the reference page in
 * `docs/configuration.md`.
 *
 * Only what this version does is here; a key that nothing reads would be a lie. An unknown key is refused by its path.
 */
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { cameraKeys } from './configuration/camera-keys.js';
import { appKeys, sessionKeys, streamKeys } from './configuration/client-keys.js';
import { clusterKeys } from './configuration/cluster-keys.js';
import { callsKeys, channelsKeys, servicesKeys } from './configuration/desk-keys.js';
import { faultLine, pathText } from './configuration/fault-line.js';
import { logKeys } from './configuration/log-keys.js';
import { grpcKeys, httpKeys } from './configuration/port-keys.js';
import { count, id, ms } from './configuration/values.js';

export const configurationSchema = z.strictObject({
  node: z
    .strictObject({
      id: id.default(() => `node-${nanoid(8)}`).describe('Name of this gateway. Default: random.'),
      realm: z.string().min(1).max(128).default('default').describe('Clients of another realm are refused.'),
    })
    .prefault({}),
  grpc: grpcKeys,
  http: httpKeys,
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
  session: sessionKeys,
  app: appKeys,
  stream: streamKeys,
  services: servicesKeys,
  calls: callsKeys,
  channels: channelsKeys,
  cluster: clusterKeys,
  shutdown: z
    .strictObject({
      deadlineMs: ms.default(10_000).describe('How long a drain may take before it is forced.'),
    })
    .prefault({}),
  log: logKeys,
  cameras: z.array(cameraKeys).max(10_000).default([]),
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
