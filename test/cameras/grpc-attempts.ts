/** Attempts of the gRPC driver over a real pool of channels, without a camera actor around them. */
import { onTestFinished } from 'vitest';
import type { ChannelLimits } from '../../src/gateway/channel.js';
import type { SourceAttempt } from '../../src/gateway/frame-source.js';
import { type CameraChannels, type GrpcCameraOptions, grpcCameraSource } from '../../src/grpc/camera-source.js';
import { realClock } from '../../src/otp/clock.js';
import { realPool } from '../grpc/channel-peers.js';
import { RecordingListener } from './listener.js';

export interface Attempts {
  readonly channels: CameraChannels;
  open(
    url: string,
    options?: GrpcCameraOptions,
  ): { readonly listener: RecordingListener; readonly attempt: SourceAttempt };
  stop(): Promise<unknown>;
}

export async function attempts(limits: Partial<ChannelLimits> = {}): Promise<Attempts> {
  const { channels, app } = await realPool(limits);
  return {
    channels,
    open: (url, options) => {
      const listener = new RecordingListener();
      const attempt = grpcCameraSource(new URL(url), channels, options).open(listener, { clock: realClock });
      onTestFinished(() => attempt.close());
      return { listener, attempt };
    },
    stop: () => app.stop(),
  };
}
