/** What the gateway is told; the shape of the configuration's parts that concern it. All times are milliseconds. */
import type { RetryPolicy } from '../../machines/camera.js';
import type { OverflowPolicy } from '../flow/outbox.js';
import type { Choice } from './call-table.js';
import type { RecordOptions } from './recording.js';

export interface CameraOptions {
  readonly id: string;
  readonly source: string;
  readonly onDemand: boolean;
  readonly lingerMs: number;
  readonly staleMs: number;
  readonly connectMs: number;
  readonly firstFrameMs: number;
  readonly retry: RetryPolicy;
  /** Frames above this rate are skipped at the source; absent: all of them. */
  readonly fps?: number | undefined;
  /** Still pictures, so far apart, instead of a stream. */
  readonly stillMs?: number | undefined;
  /** Pictures are made anew: of this quality, and no wider. */
  readonly jpeg?: { readonly quality: number; readonly width?: number | undefined } | undefined;
  /** What waits to become a whole picture, and how much of what came is taken at a time. Default: the driver's. */
  readonly bufferBytes?: number | undefined;
  readonly chunkBytes?: number | undefined;
  readonly queueFrames: number;
  readonly overflow: OverflowPolicy;
  /** Absent: it is not recorded. */
  readonly record?: RecordOptions | undefined;
}

export interface GatewayOptions {
  readonly node: { readonly id: string; readonly realm: string };
  readonly limits: {
    readonly clients: number;
    readonly streamsPerClient: number;
    readonly cameras: number;
    readonly viewersPerCamera: number;
    readonly calls: number;
    readonly services: number;
    readonly topicsPerClient: number;
    readonly channels: number;
  };
  readonly services: { readonly ttlMs: number; readonly sweepMs: number };
  readonly calls: { readonly timeoutMs: number; readonly attempts: number; readonly choice: Choice };
  readonly channels: {
    readonly connectMs: number;
    readonly waitMs: number;
    readonly idleMs: number;
    readonly closeMs: number;
    readonly keepalive: { readonly timeMs: number; readonly timeoutMs: number };
  };
  readonly session: {
    readonly graceMs: number;
    readonly attachMs: number;
    readonly inactivityMs: number;
    readonly heartbeatMs: number;
    readonly tokenTtlMs: number;
  };
  readonly app: {
    readonly graceMs: number;
    readonly attempts: number;
    readonly webhookTimeoutMs: number;
    readonly slowLaneMs: number;
  };
  readonly stream: {
    /** Publications, or chunks of audio, that wait for one client, and what becomes of one for which there is no room. */
    readonly queueFrames: number;
    readonly queueBytes: number;
    readonly overflow: OverflowPolicy;
    /** Audio that has waited longer is never sent. */
    readonly maxAgeMs: number;
    readonly sendTimeoutMs: number;
    readonly stallMs: number;
  };
  readonly shutdown: { readonly deadlineMs: number };
  readonly cameras: readonly CameraOptions[];
}
