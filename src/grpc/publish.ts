/**
 * Gateway.Publish: a device shows what it sees. Whose pictures are taken, and what becomes of those that nobody wants, is
 * the gateway's to say; here frames are read and the summary is written.
 *
 * Frames are decoded as views of the message that came: the one copy of a picture on its way is the gateway's own encoding
 * of it, once for all its viewers. On the wire the answer is one message; here it is served as a stream of one.
 */
import { create } from '@bufbuild/protobuf';
import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { PublishHandle, PublishWire } from '../gateway/transport.js';
import type { FrameContent } from './frame-codec.js';
import { type PublishSummary, PublishSummarySchema } from './gen/sluice/v1/gateway_pb.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { statusOfReason } from './status.js';
import { headerOf, NODE_ID_HEADER } from './watch.js';

export function servePublish(gateway: Gateway, log: GrpcLog): handleBidiStreamingCall<Published, PublishSummary> {
  return (call) => void new PublishCall(call, gateway, log);
}

/** A frame, or why a message is none. */
type Published = FrameContent | Error;
type PublishStream = ServerDuplexStream<Published, PublishSummary>;

class PublishCall {
  readonly #call: PublishStream;
  readonly #gateway: Gateway;
  readonly #served: ServedCall;
  readonly #firstFrameTimer: NodeJS.Timeout;
  #cameraId = '';
  #handle: PublishHandle | undefined;

  constructor(call: PublishStream, gateway: Gateway, log: GrpcLog) {
    this.#call = call;
    this.#gateway = gateway;
    this.#served = new ServedCall(call, log);
    // Until it has named its camera the gateway does not know this call; its silence is measured here.
    const { inactivityMs } = gateway.options.session;
    this.#firstFrameTimer = setTimeout(
      () => this.#served.end(statusOfReason({ shutdown: 'inactivity' })),
      inactivityMs,
    );
    call.on('cancelled', () => clearTimeout(this.#firstFrameTimer));
    call.on('data', (frame: Published) => this.#served.guard(() => this.#receive(frame)));
    // A cancel ends the reading side first. Only an end that no cancel follows is a half-close.
    call.on('end', () => setImmediate(() => this.#served.guard(() => this.#halfClosed())));
  }

  #receive(frame: Published): void {
    if (this.#served.over) return;
    if (frame instanceof Error) throw new GatewayError('invalid_argument', frame.message, { cause: frame });
    if (!this.#handle) {
      void this.#begin(frame);
      return;
    }
    if (frame.cameraId !== '' && frame.cameraId !== this.#cameraId) {
      const came = `frame.camera_id must be "${this.#cameraId}" or empty, but was "${frame.cameraId}"`;
      throw new GatewayError('invalid_argument', came);
    }
    this.#take(this.#handle, frame);
  }

  async #begin(first: FrameContent): Promise<void> {
    clearTimeout(this.#firstFrameTimer);
    this.#cameraId = first.cameraId;
    // What comes while the gateway decides waits in HTTP/2's window.
    this.#call.pause();
    try {
      if (first.cameraId === '') throw firstMustName('it was empty');
      const nodeId = headerOf(this.#call.metadata, NODE_ID_HEADER);
      const handle = await this.#gateway.publish({ cameraId: first.cameraId }, nodeId, this.#wire());
      this.#handle = handle;
      this.#take(handle, first);
      this.#served.attach(handle);
      if (this.#served.over) return;
      // The device learns that it is in before it has said all.
      this.#call.sendMetadata(new Metadata());
      this.#call.resume();
    } catch (thrown) {
      this.#served.refuseThrown(thrown);
    }
  }

  #take(handle: PublishHandle, { picture: data, contentType, timestampMs, key }: FrameContent): void {
    if (data.length === 0) {
      handle.heard();
      return;
    }
    handle.picture({
      contentType: contentType === '' ? DEFAULT_TYPE : contentType,
      data,
      // A still picture needs no other, whatever a device forgot to say.
      key: key || contentType === '' || contentType.startsWith('image/'),
      ...(timestampMs === 0 ? {} : { timestampMs }),
    });
  }

  #halfClosed(): void {
    if (this.#served.over) return;
    if (this.#cameraId === '') throw firstMustName('the stream ended before it');
    this.#served.report('peerHalfClosed');
  }

  #wire(): PublishWire {
    return {
      finish: ({ frames, bytes, dropped }) => {
        if (this.#served.over) return;
        const summary = { frames: BigInt(frames), bytes: BigInt(bytes), dropped: BigInt(dropped) };
        this.#call.write(create(PublishSummarySchema, summary));
        this.#served.end(statusOfReason('normal'));
      },
      end: (reason) => this.#served.end(statusOfReason(reason)),
    };
  }
}

const DEFAULT_TYPE = 'image/jpeg';

function firstMustName(what: string): GatewayError {
  return new GatewayError('invalid_argument', `frame.camera_id of the first frame must name a camera, but ${what}`);
}
