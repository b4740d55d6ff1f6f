/** A listener that keeps what a source attempt reports, and lets a test wait for it. */
import type { Picture } from '../../src/gateway/frame.js';
import type { SourceError, SourceListener } from '../../src/gateway/frame-source.js';

export class RecordingListener implements SourceListener {
  /** `opened`, `picture` and `failed`, in the order they came. */
  readonly story: string[] = [];
  readonly pictures: Picture[] = [];
  error: SourceError | undefined;
  onPicture: (() => void) | undefined;
  #waiters: { readonly ready: () => boolean; readonly resolve: () => void }[] = [];

  opened(): void {
    this.#tell('opened');
  }

  picture(picture: Picture): void {
    this.pictures.push(picture);
    this.#tell('picture');
    this.onPicture?.();
  }

  failed(error: SourceError): void {
    this.error = error;
    this.#tell('failed');
  }

  /** Resolves when this many pictures have come. */
  async havePictures(count: number): Promise<void> {
    await this.#until(() => this.pictures.length >= count || this.error !== undefined);
    if (this.pictures.length < count)
      throw new Error(`expected ${count} pictures, got ${this.pictures.length}: ${this.error}`);
  }

  /** Resolves when it was opened. */
  haveOpened(): Promise<void> {
    return this.#until(() => this.story.includes('opened'));
  }

  /** Resolves with the failure. */
  async haveFailed(): Promise<SourceError> {
    await this.#until(() => this.error !== undefined);
    return this.error as SourceError;
  }

  #tell(what: string): void {
    this.story.push(what);
    this.#waiters = this.#waiters.filter(({ ready, resolve }) => {
      if (!ready()) return true;
      resolve();
      return false;
    });
  }

  #until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ ready, resolve }));
  }
}
