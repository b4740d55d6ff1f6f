/** What a host may give a gateway: its configuration, and what cannot be written in a file. */
import type { Logger } from 'pino';
import type { Engine } from './cluster/engine.js';
import type { ConfigurationInput } from './configuration.js';
import type { SourceDriver } from './gateway/frame-source.js';
import type { RoomBackend } from './gateway/room-backend.js';
import type { GrpcCameraOptions } from './grpc/camera-source.js';
import type { Inspect } from './inspection.js';
import type { Authorize } from './ops/access.js';
import type { OpenTelemetryOptions } from './ops/open-telemetry.js';
import type { Clock } from './otp/clock.js';

export interface GatewayHostOptions extends ConfigurationInput {
  /** Default: a pino logger of `log.level` on standard output, or into `log.file`. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Stops the gateway when aborted. */
  readonly signal?: AbortSignal;
  /** Shows every actor as a chart: `true` for the Stately inspector on a loopback port, or an observer of the host's. */
  readonly inspect?: Inspect;
  /** Sources of the host's own, by scheme: `{ 'ndi:': (url) => source }`. One of a known scheme takes its place. */
  readonly drivers?: Readonly<Record<string, SourceDriver>>;
  /** Who gives the tokens for `grpc(s)://` cameras, and which of their errors are tried again. */
  readonly grpcCameras?: GrpcCameraOptions;
  /** Whether the last steps of every actor are recorded, in at most 8 MiB. Default true. */
  readonly flight?: boolean;
  /** What carries the audio of rooms. Default: a relay within this process. */
  readonly roomBackend?: RoomBackend;
  /** An engine that several gateways share, in place of `cluster.nats`; opened at the start and closed at the end. */
  readonly engine?: () => Promise<Engine>;
  /** Counts ended actors that are not collected (`sluice_undisposed_objects`), at the cost of an entry for each. Default false. */
  readonly watchCollection?: boolean;
  /** A meter and a tracer of `@opentelemetry/api`: durations of calls, and a span per start and end of a session. */
  readonly telemetry?: OpenTelemetryOptions;
  /** What the host knows of who asks over HTTP. It adds to the token and takes nothing from it. */
  readonly authorize?: Authorize;
}
