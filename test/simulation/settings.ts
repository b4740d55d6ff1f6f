/** How the simulated gateway is set up: little of everything, so that every limit is reached, and a camera of each kind. */
import { configure } from '../../src/configuration.js';
import type { CameraOptions, GatewayOptions } from '../../src/gateway/options.js';
import type { RecordOptions } from '../../src/gateway/recording.js';
import {
  CALLS_MAX,
  CHANNELS_MAX,
  CLIENTS_MAX,
  MAX_AGE_MS,
  QUEUE_BYTES,
  QUEUE_FRAMES,
  SERVICES_MAX,
  SWEEP_MS,
  TOPICS_MAX,
} from './limits.js';

const camera = (id: string, more: object = {}) => ({
  id,
  source: `simulated:${id}`,
  queueFrames: QUEUE_FRAMES,
  ...more,
});

/** How two cameras are recorded: in segments so short that every limit of them is reached. */
export const RECORD: RecordOptions = {
  dir: '/recordings',
  segmentSeconds: 12,
  segmentBytes: 1_200,
  maxAgeHours: 90 / 3_600,
  maxBytes: 4_000,
  maxSegments: 5,
  quality: 0,
  minFreeBytes: 8_000,
  sessionMinutes: 0.4,
};
export const RECORDED = ['gate', 'shed'];

/** Cameras that are there from the beginning, and one that comes and goes. */
export const CAMERAS = ['yard', 'gate', 'hall', 'door'];
export const EXTRA = 'shed';
/** It takes what is published, no faster than so many frames a second. */
export const FED = 'door';
const FED_FPS = 5;

export function settings(): GatewayOptions {
  return configured([
    camera('yard'),
    camera('gate', { onDemand: false, staleMs: 1_500, overflow: 'latest' }),
    camera('hall', { lingerMs: 0, overflow: 'disconnect', retry: { attempts: 1, delayMs: 0 } }),
    camera(FED, { source: 'push:', fps: FED_FPS, lingerMs: 2_000 }),
  ]);
}

export function extraCamera(): CameraOptions {
  return configured([camera(EXTRA, { onDemand: false, retry: { attempts: 2, delayMs: 300 } })])
    .cameras[0] as CameraOptions;
}

function configured(cameras: readonly object[]): GatewayOptions {
  const options = asConfigured(cameras);
  // Smaller than a host may have it.
  const recorded = options.cameras.map((one) => (RECORDED.includes(one.id) ? { ...one, record: RECORD } : one));
  return { ...options, cameras: recorded };
}

function asConfigured(cameras: readonly object[]): GatewayOptions {
  return configure({
    node: { id: 'simulated' },
    limits: {
      clients: CLIENTS_MAX,
      streamsPerClient: 4,
      cameras: 5,
      viewersPerCamera: 6,
      topicsPerClient: TOPICS_MAX,
      services: SERVICES_MAX,
      calls: CALLS_MAX,
      channels: CHANNELS_MAX,
    },
    services: { ttlMs: 60_000, sweepMs: SWEEP_MS },
    channels: { connectMs: 4_000, waitMs: 2_000, idleMs: 30_000, closeMs: 2_000 },
    session: { tokenTtlMs: 24 * 3_600_000 },
    stream: { queueBytes: QUEUE_BYTES, stallMs: 10_000, maxAgeMs: MAX_AGE_MS },
    cameras,
  } as never) as GatewayOptions;
}
