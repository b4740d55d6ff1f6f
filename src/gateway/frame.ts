/** A picture on its way from a source to whoever watches. */

/** What a source delivers. The bytes belong to the receiver: a driver copies them out of its own buffer once. */
export interface Picture {
  readonly contentType: string;
  readonly data: Buffer;
  /** When the source took it, in milliseconds since 1970; the gateway's clock where the source does not say. */
  readonly timestampMs?: number;
  /** False for a picture that cannot be shown without an earlier one. Default true. */
  readonly key?: boolean;
}

/**
 * One frame of a camera, immutable and shared by reference by every viewer. `message` is the whole gRPC message, encoded
 * once: the five bytes of framing and the protobuf behind them.
 */
export interface Frame {
  readonly cameraId: string;
  /** Starts at 1, rises by one per source frame for the camera actor's life. A viewer's gaps are its drops. */
  readonly seq: number;
  readonly timestampMs: number;
  readonly contentType: string;
  readonly key: boolean;
  readonly picture: Buffer;
  readonly message: Buffer;
}

/** Makes `Frame.message`. Owned here, implemented by `src/grpc`: the gateway knows no wire format. */
export type FrameEncoder = (frame: Omit<Frame, 'message'>) => Buffer;
