/** A device of a test that publishes frames for the camera `door` over the gateway's own client. */
import { status as Code } from '@grpc/grpc-js';
import { expect } from 'vitest';
import type { FrameContent } from '../../src/grpc/frame-codec.js';
import type { PublishSummary } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { clientOf, Inbox } from './harness.js';

export interface Device {
  readonly inbox: Inbox<PublishSummary>;
  send(frame: Partial<FrameContent>): Promise<void>;
  say(text: string): Promise<void>;
  cancel(): void;
  summary(): Promise<{ frames: number; bytes: number; dropped: number }>;
}

/** Its first frame names the camera. `send` resolves when the connection has taken the frame. */
export function device(
  address: string,
  { token, ...options }: { nodeId?: string; deadlineMs?: number; token?: string } = {},
): Device {
  const inbox = new Inbox<PublishSummary>();
  const sink = clientOf(address, { token }).publish(inbox.listener, options);
  const send = (frame: Partial<FrameContent>): Promise<void> =>
    new Promise((resolve) => sink.send(frame, () => resolve()));
  return {
    inbox,
    send,
    say: (text) => send({ cameraId: 'door', picture: Buffer.from(text) }),
    cancel: () => sink.cancel(),
    summary: async () => {
      sink.halfClose();
      const { frames, bytes, dropped } = await inbox.next();
      expect(await inbox.ended).toMatchObject({ code: Code.OK });
      return { frames: Number(frames), bytes: Number(bytes), dropped: Number(dropped) };
    },
  };
}
