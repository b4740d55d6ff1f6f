/**
 * The `grpc://host:port/camera` driver: one ProduceCameraStream for an attempt, over the channel that all cameras of that
 * target share. The path names the camera (metadata `x-camera-id`); without one, the peer's only camera is meant. `grpcs:`
 * is TLS with the machine's own roots.
 *
 * An attempt is over when the camera knows that it is: `close` cancels the call, gives the channel back and resolves when
 * the peer has read the reset, so that it never sees two calls of one camera. A peer that does not answer within a second is
 * frozen or gone: its channel gets nobody new, and the next attempt has a connection of its own, which a frozen peer will
 * take up only after it has read the old one. There are no other timeouts here; the camera's chart has them, and the
 * retries.
 *
 * A peer that refuses the credentials (UNAUTHENTICATED) is asked again with others: whoever gives them is told that the last
 * were refused. What is final, and ends the camera's viewers, is what no retry mends; a host may judge otherwise.
 */
import { type ClientReadableStream, status as Code, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { Channels } from '../gateway/channels.js';
import {
  type FrameSource,
  type SourceAttempt,
  type SourceDriver,
  SourceError,
  type SourceListener,
} from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { Lease } from '../gateway/lease.js';
import { type Owner, ownerHeaders } from '../gateway/ownership.js';
import { callOver, type GrpcChannel, type GrpcChannelOptions } from './channel.js';
import type { FrameContent } from './frame-codec.js';
import { CAMERA_ID_HEADER } from './produce-camera-stream.js';
import { peerHasRead, sessionOf } from './round-trip.js';
import { cameraService, EMPTY } from './services.js';

/** What a host may say about its gRPC cameras. */
export interface GrpcCameraOptions {
  /**
   * The bearer token for a camera, asked for at each attempt. Default: that of the URL, as in `grpc://:token@host:port/id`.
   * A rejection is a failed attempt.
   */
  readonly credentials?: (wanted: CredentialsWanted) => string | undefined | Promise<string | undefined>;
  /** Whether to try again after this end; `undefined`: as by default, where `FINAL` says what is not tried again. */
  readonly retriable?: (status: { readonly code: Code; readonly details: string }) => boolean | undefined;
}

export interface CredentialsWanted {
  /** `host:port`. */
  readonly target: string;
  /** As the URL names it; empty for the peer's only camera. */
  readonly camera: string;
  /** The peer refused the last ones; the same would be refused again. */
  readonly refused: boolean;
  /** Aborted when the attempt is given up. */
  readonly signal: AbortSignal;
}

/** The peer has understood, and its answer will be the same next time. */
const FINAL: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.NOT_FOUND,
  Code.PERMISSION_DENIED,
  Code.UNIMPLEMENTED,
]);

/** How long a peer may take to read that a call was cancelled. */
const HEARD_MS = 1_000;

/** A peer's own words longer than this are cut. */
const DETAILS_CHARACTERS_MAX = 300;

export type CameraChannels = Channels<GrpcChannel, GrpcChannelOptions>;

/** The drivers of the schemes `grpc:` and `grpcs:`. */
export function grpcCameraDrivers(
  channels: CameraChannels,
  options: GrpcCameraOptions = {},
): Readonly<Record<string, SourceDriver>> {
  const driver: SourceDriver = (url) => grpcCameraSource(url, channels, options);
  return { 'grpc:': driver, 'grpcs:': driver };
}

/** Makes the driver of one URL. Throws a `GatewayError` for one that cannot be used. */
export function grpcCameraSource(url: URL, channels: CameraChannels, options: GrpcCameraOptions = {}): FrameSource {
  const label = `${url.protocol}//${url.host}${url.pathname}`;
  if (url.hostname === '' || url.port === '') throw bad(label, 'expected host:port behind //');
  if (url.search !== '' || url.hash !== '') throw bad(label, 'expected nothing behind the name of the camera');
  const source: SourceParts = {
    label,
    target: url.host,
    camera: decoded(label, url.pathname.slice(1)),
    channel: url.protocol === 'grpcs:' ? { tls: true } : {},
    token: decoded(label, url.password || url.username) || undefined,
    channels,
    options,
    refused: false,
  };
  return { kind: 'grpc', label, open: (listener, { owner }) => new CameraCall(source, listener, owner) };
}

interface SourceParts {
  readonly label: string;
  readonly target: string;
  readonly camera: string;
  readonly channel: GrpcChannelOptions;
  readonly token: string | undefined;
  readonly channels: CameraChannels;
  readonly options: GrpcCameraOptions;
  /** Whether the last attempt's credentials were refused. */
  refused: boolean;
}

class CameraCall implements SourceAttempt {
  readonly #source: SourceParts;
  readonly #listener: SourceListener;
  readonly #owner: Owner | undefined;
  /** Ends the waiting for credentials and for a channel. */
  readonly #waiting = new AbortController();
  readonly #gone: Promise<void>;
  #closed = false;
  #token: string | undefined;
  #channel: GrpcChannel | undefined;
  #call: ClientReadableStream<FrameContent> | undefined;
  #answered = false;
  /** The peer has not answered within `HEARD_MS`. */
  #deaf = false;

  constructor(source: SourceParts, listener: SourceListener, owner: Owner | undefined) {
    this.#source = source;
    this.#listener = listener;
    this.#owner = owner;
    // Its first await is before anything is reported.
    this.#gone = this.#run();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      if (this.#call) void this.#cancel(this.#call);
      else this.#waiting.abort();
    }
    return this.#gone;
  }

  async #run(): Promise<void> {
    let failure: SourceError | undefined;
    try {
      this.#token = await this.#credentials();
      failure = this.#failureOf(await this.#stream());
    } catch (thrown) {
      failure = this.#failureOfThrown(thrown);
    }
    if (!this.#closed) this.#listener.failed(failure);
    if (this.#call) await this.#peerKnows(this.#call);
  }

  /** Not before the peer has looked at it: a call that comes with its own reset is one that grpc-js never sees cancelled. */
  async #cancel(call: ClientReadableStream<FrameContent>): Promise<void> {
    if (!this.#answered) {
      // It goes onto the wire in a later turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#peerKnows(call);
    }
    call.cancel();
  }

  /** The peer has read all that was said of the call; or it is not asked to take another over the same connection. */
  async #peerKnows(call: ClientReadableStream<FrameContent>): Promise<void> {
    const session = this.#deaf ? undefined : sessionOf(call);
    if (!session || (await peerHasRead(session, HEARD_MS))) return;
    this.#deaf = true;
    this.#channel?.abandon();
  }

  /** One call from its beginning to its end, whatever that is. */
  async #stream(): Promise<StatusObject> {
    const { channels, target, channel } = this.#source;
    const lease = await channels.acquire(target, { channel, signal: this.#waiting.signal });
    try {
      return await this.#callOver(lease);
    } finally {
      lease.release();
    }
  }

  #callOver(lease: Lease<GrpcChannel>): Promise<StatusObject> {
    // To come this far may have taken long.
    if (this.#owner && !this.#owner.current())
      throw new SourceError("fenced: the camera is not this gateway's any more");
    const { path, requestSerialize, responseDeserialize } = cameraService.produceCameraStream;
    const call: ClientReadableStream<FrameContent> = callOver(lease, (client) =>
      client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, EMPTY, this.#metadata()),
    );
    this.#channel = lease.channel;
    this.#call = call;
    const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    call.on('metadata', () => {
      this.#answered = true;
    });
    call.on('data', (frame: FrameContent) => this.#received(frame));
    // A peer may send its headers with its first frame only, so they cannot tell that it has answered. That the channel
    // is connected says that it speaks; how long it may be silent then is the first frame's deadline.
    if (!this.#closed) this.#listener.opened();
    return ended;
  }

  #received({ picture: data, contentType, timestampMs, key }: FrameContent): void {
    // Without data it is a sign of life.
    if (this.#closed || data.length === 0) return;
    this.#source.refused = false;
    this.#listener.picture({
      contentType: contentType === '' ? 'image/jpeg' : contentType,
      data,
      key: key || contentType === '' || contentType.startsWith('image/'),
      ...(timestampMs === 0 ? {} : { timestampMs }),
    });
  }

  async #credentials(): Promise<string | undefined> {
    const { options, target, camera, refused, token } = this.#source;
    if (!options.credentials) return token;
    const { signal } = this.#waiting;
    // Who gives them may be slow and deaf; this attempt does not wait for him when it is given up.
    const givenUp = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    return Promise.race([options.credentials({ target, camera, refused, signal }), givenUp]);
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#source.camera !== '') metadata.set(CAMERA_ID_HEADER, this.#source.camera);
    if (this.#token !== undefined) metadata.set('authorization', `Bearer ${this.#token}`);
    for (const [name, value] of Object.entries(this.#owner ? ownerHeaders(this.#owner) : {})) metadata.set(name, value);
    return metadata;
  }

  #failureOf({ code, details }: StatusObject): SourceError {
    const { label, options } = this.#source;
    this.#source.refused = code === Code.UNAUTHENTICATED;
    const again = options.retriable?.({ code, details }) ?? !FINAL.has(code);
    const words = code === Code.OK ? 'the stream ended' : `${Code[code]}: ${this.#shown(details)}`;
    return new SourceError(`${label}: ${words}`, { final: !again });
  }

  #failureOfThrown(thrown: unknown): SourceError {
    const final = thrown instanceof GatewayError && thrown.code === 'invalid_argument';
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    return new SourceError(`${this.#source.label}: ${this.#shown(words)}`, { final });
  }

  /** What others say may repeat what they were told. */
  #shown(words: string): string {
    const secret = this.#token ?? this.#source.token;
    const told = secret ? words.replaceAll(secret, '***') : words;
    return told.slice(0, DETAILS_CHARACTERS_MAX);
  }
}

function decoded(label: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Without the cause: it would show what could not be decoded, which may be a token.
    throw bad(label, 'expected percent-encoding that can be decoded');
  }
}

function bad(label: string, what: string): GatewayError {
  return new GatewayError('bad_source', `${label}: ${what}`);
}
