/**
 * What a camera needs of its source. Owned by the gateway, implemented by the drivers in `src/cameras` and by hosts that
 * bring their own.
 */
import type { Clock } from '../otp/clock.js';
import type { Picture } from './frame.js';
import type { Owner } from './ownership.js';

/** Why an attempt ended by itself. A final failure is one that no retry can mend (a source that does not exist). */
export class SourceError extends Error {
  readonly final: boolean;

  constructor(message: string, options?: { readonly final?: boolean; readonly cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.name = 'SourceError';
    this.final = options?.final ?? false;
  }
}

/** Where an attempt reports. After `close` was called, and after `failed`, it reports nothing any more. */
export interface SourceListener {
  /** The source answered; no picture yet. */
  opened(): void;
  /** Answers `false` where the camera skipped it: it came above the camera's rate, or too late. */
  picture(picture: Picture): unknown;
  /** The attempt ended by itself, an orderly end included: a live source does not end. At most once. */
  failed(error: SourceError): void;
}

/** One try at a source. */
export interface SourceAttempt {
  /** Gives everything back. Resolves when socket, process and timers are gone; idempotent; never rejects. */
  close(): Promise<void>;
}

export interface FrameSource {
  /** The driver's name: `clip`, `mjpeg`, … */
  readonly kind: string;
  /** The source as it may be shown: without credentials. */
  readonly label: string;
  /** It keeps the camera's rate itself. */
  readonly keepsRate?: boolean;
  /** Pictures that it left out by itself: above the rate, too late, not readable. */
  readonly skipped?: number;
  /** Begins an attempt. Never throws and never reports before it has returned. */
  open(listener: SourceListener, context: SourceContext): SourceAttempt;
}

export interface SourceContext {
  readonly clock: Clock;
  /** In whose name it is opened, where several gateways share their cameras. */
  readonly owner?: Owner | undefined;
}

/** What a driver is told beside the URL. Those whom it does not concern do not look at it. */
export interface SourceOptions {
  /** The camera whose source it is. */
  readonly id?: string | undefined;
  /** The most that waits to become a whole picture. */
  readonly bufferBytes?: number | undefined;
  /** How much of what came is taken at a time. */
  readonly chunkBytes?: number | undefined;
  /** Still pictures, fetched one by one so many milliseconds apart, instead of a stream. */
  readonly stillMs?: number | undefined;
  /** Pictures are made anew: of this quality, and no wider. */
  readonly jpeg?: { readonly quality: number; readonly width?: number | undefined } | undefined;
  /** The camera's rate, for a source that keeps it. */
  readonly fps?: number | undefined;
}

/** Makes the source of a URL of its scheme. Throws a `GatewayError` for one that it cannot use. */
export type SourceDriver = (url: URL, options: SourceOptions) => FrameSource;

/**
 * Makes the source that a URL names; throws a `GatewayError` with code `bad_source` for one it does not know. `more` are the
 * drivers that need something of a running gateway's, by their scheme.
 */
export type SourceFactory = (
  url: string,
  more?: Readonly<Record<string, SourceDriver>>,
  options?: SourceOptions,
) => FrameSource;
