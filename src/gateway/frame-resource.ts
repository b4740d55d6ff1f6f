/**
 * Something heavy that a host needs for a camera's frames: a model, a decoder, a file. It is loaded once for a camera's life, when
 * the first frame comes, and held through the camera's scope: it is disposed of when the camera ends, however that is, and
 * when the host takes its processor back; not before the frame that it is busy with is done. The census counts it by its kind.
 *
 * When the exit comes while it is still being loaded, it is disposed of as soon as it is there. A load that fails is tried
 * again with the next frame; until then nothing is held.
 */
import type { Held, Scope } from '../otp/scope.js';
import type { Frame } from './frame.js';

/** What a host does to each frame with something that it has loaded. */
export interface FrameResource<T> {
  /** One word for the census. Default `processor`. */
  readonly kind?: string;
  readonly load: (signal: AbortSignal) => T | Promise<T>;
  readonly process: (resource: T, frame: Frame, signal: AbortSignal) => unknown;
  /** Called once for each thing that was loaded, also after errors. */
  readonly dispose: (resource: T) => void | Promise<void>;
  /** Collect garbage after it was disposed of, where Node runs with `--expose-gc`. It stops the world; default false. */
  readonly collectGarbage?: boolean;
}

export class HeldResource<T> {
  readonly #spec: FrameResource<T>;
  readonly #scope: Scope;
  #loaded: Promise<T> | undefined;
  #held: Held | undefined;
  /** The frame that it is busy with. */
  #busy: Promise<unknown> | undefined;
  #ended = false;

  constructor(spec: FrameResource<T>, scope: Scope) {
    this.#spec = spec;
    this.#scope = scope;
  }

  /** One frame after the other; whoever calls waits for the end of the one before. */
  async process(frame: Frame, signal: AbortSignal): Promise<unknown> {
    const resource = await (this.#loaded ?? this.#load(signal));
    if (this.#ended) return undefined;
    const busy = Promise.resolve(this.#spec.process(resource, frame, signal));
    this.#busy = busy;
    return busy;
  }

  /** Nothing more is asked of it. */
  end(): void {
    this.#ended = true;
    void this.#held?.release();
  }

  #load(signal: AbortSignal): Promise<T> {
    const { kind = 'processor', load } = this.#spec;
    const loaded = (async () => load(signal))();
    const held = this.#scope.acquire(kind, () => this.#dispose(loaded));
    this.#loaded = loaded;
    this.#held = held;
    loaded.catch(() => {
      this.#loaded = undefined;
      void held.release();
    });
    return loaded;
  }

  async #dispose(loaded: Promise<T>): Promise<void> {
    this.#ended ||= this.#loaded === loaded;
    // What it failed at was said to whoever asked for it.
    const [load] = await Promise.allSettled([loaded, this.#busy]);
    if (load.status === 'rejected') return;
    try {
      await this.#spec.dispose(load.value);
    } finally {
      if (this.#spec.collectGarbage === true) globalThis.gc?.();
    }
  }
}
