/**
 * The `clip:` driver: plays a file of JPEG pictures, one after the other, in a loop, at a rate of its own, like a camera that
 * never tires. `clip:` plays the demo that ships with the package; `clip:/path/to/file.mjpeg?fps=15` plays another file.
 *
 * The file is read and cut when an attempt opens, in one go: clips are small, and from there on an attempt is nothing but timers of
 * the injected clock, exact on virtual time. Attempts on the same unchanged file share its pictures by reference,
 * for as long as one of them lives; nothing is kept for later.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { Clock } from '../otp/clock.js';
import { jpegEnd } from './jpeg.js';

const DEMO = fileURLToPath(new URL('./clip/demo.mjpeg', import.meta.url));
const FPS_DEFAULT = 15;
const FPS_MAX = 240;
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** What no retry mends before somebody changes the file or the configuration. */
const FINAL_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG']);

interface Clip {
  readonly version: string;
  readonly pictures: readonly Buffer[];
}

/** Makes the driver of one clip. Throws a `GatewayError` for a URL that means nothing. */
export function clipSource(url: URL): FrameSource {
  const label = url.href;
  const fps = fpsOf(url);
  const path = pathOf(url);
  return {
    kind: 'clip',
    label,
    open: (listener, { clock }) => new ClipAttempt({ label, path, fps, listener, clock }),
  };
}

interface ClipAttemptOptions {
  readonly label: string;
  readonly path: string;
  readonly fps: number;
  readonly listener: SourceListener;
  readonly clock: Clock;
}

class ClipAttempt implements SourceAttempt {
  readonly #options: ClipAttemptOptions;
  #timer: unknown;
  #clip: Clip | undefined;
  #startMs = 0;
  /** Number of the next picture since the start; its place in time, and modulo the clip's length in the clip. */
  #next = 0;

  constructor(options: ClipAttemptOptions) {
    this.#options = options;
    this.#timer = options.clock.setTimeout(() => this.#start(), 0);
  }

  close(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#clip = undefined;
    return Promise.resolve();
  }

  #start(): void {
    const { path, label, listener, clock } = this.#options;
    try {
      this.#clip = loadClip(path, label);
    } catch (error) {
      listener.failed(error as SourceError);
      return;
    }
    this.#startMs = clock.now();
    this.#schedule();
    listener.opened();
  }

  #schedule(): void {
    const { clock, fps } = this.#options;
    const dueMs = this.#startMs + (this.#next * 1000) / fps;
    this.#timer = clock.setTimeout(() => this.#play(), Math.max(0, dueMs - clock.now()));
  }

  #play(): void {
    const { clock, fps, listener } = this.#options;
    const pictures = this.#clip?.pictures ?? [];
    // By the schedule, and what was missed is missed: a late timer neither shifts the rest nor is made up for in a burst.
    const due = Math.floor(((clock.now() - this.#startMs) * fps) / 1000);
    const current = Math.max(this.#next, due);
    this.#next = current + 1;
    this.#schedule();
    listener.picture({ contentType: 'image/jpeg', data: pictures[current % pictures.length] as Buffer });
  }
}

/** Clips in use, by path. */
const inUse = new Map<string, WeakRef<Clip>>();

function loadClip(path: string, label: string): Clip {
  try {
    const { mtimeMs, size } = statSync(path);
    if (size > FILE_BYTES_MAX) {
      throw new SourceError(`${label}: expected a file of at most ${FILE_BYTES_MAX} bytes, got ${size}`, {
        final: true,
      });
    }
    const version = `${mtimeMs} ${size}`;
    for (const [key, ref] of inUse) if (!ref.deref()) inUse.delete(key);
    const known = inUse.get(path)?.deref();
    if (known?.version === version) return known;
    const clip: Clip = { version, pictures: cut(readFileSync(path)) };
    if (clip.pictures.length === 0)
      throw new SourceError(`${label}: expected JPEG pictures, found none`, { final: true });
    inUse.set(path, new WeakRef(clip));
    return clip;
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new SourceError(`${label}: the clip could not be read (${code ?? error})`, {
      final: FINAL_CODES.has(code),
      cause: error,
    });
  }
}

/** The pictures of a file, as views into it. What is not a whole picture at its end is left out. */
function cut(file: Buffer): readonly Buffer[] {
  const pictures: Buffer[] = [];
  for (let start = 0; ; ) {
    const end = jpegEnd(file, start);
    if (end < 0) return pictures;
    pictures.push(file.subarray(start, end));
    start = end;
  }
}

function fpsOf(url: URL): number {
  for (const key of url.searchParams.keys()) {
    if (key !== 'fps')
      throw new GatewayError('bad_source', `${url.href}: the only parameter of a clip is fps, got "${key}"`);
  }
  const text = url.searchParams.get('fps');
  if (text === null) return FPS_DEFAULT;
  const fps = Number(text);
  if (text !== '' && fps > 0 && fps <= FPS_MAX) return fps;
  throw new GatewayError(
    'bad_source',
    `${url.href}: fps: expected a number above 0 and up to ${FPS_MAX}, got "${text}"`,
  );
}

function pathOf(url: URL): string {
  if (url.host !== '')
    throw new GatewayError('bad_source', `${url.href}: expected clip:/path, got a host name "${url.host}"`);
  try {
    return url.pathname === '' ? DEMO : decodeURIComponent(url.pathname);
  } catch (cause) {
    throw new GatewayError('bad_source', `${url.href}: expected a path in percent-encoding that can be decoded`, {
      cause,
    });
  }
}
