/**
 * Cameras of other gateways, watched here. One that is asked for and not known here, but known to another gateway, becomes a
 * camera of this one over a source that brings its frames from there; its chart, viewers and queues are those of any camera. It
 * stays while another gateway has it or anybody watches, and is never offered on. What was recorded of it stays where it was recorded.
 *
 * Who has which camera, and how frames come, is not here: a cluster implements `Elsewhere`.
 */
import type { Cameras } from './cameras.js';
import { GatewayError } from './gateway-error.js';
import type { CameraOptions } from './options.js';

export interface Elsewhere {
  /** Another gateway that is heard and has this camera; undefined: none. */
  nodeOf(cameraId: string): string | undefined;
  /** A camera here over what comes from there. */
  options(cameraId: string): CameraOptions;
}

export class FarCameras {
  readonly #cameras: Cameras;
  readonly #elsewhere: Elsewhere;
  /** Those that stand here, and whether anybody had them lately. */
  readonly #far = new Map<string, boolean>();

  constructor(cameras: Cameras, elsewhere: Elsewhere) {
    this.#cameras = cameras;
    this.#elsewhere = elsewhere;
  }

  /** This gateway's own cameras, which others may watch. */
  ownIds(): readonly string[] {
    return this.#cameras.all().flatMap(({ id }) => (this.#far.has(id) ? [] : [id]));
  }

  /** Makes sure that the camera stands here, where another gateway has it and this one does not. Never throws. */
  async find(cameraId: string): Promise<void> {
    if (this.#known(cameraId) || this.#elsewhere.nodeOf(cameraId) === undefined) return;
    this.#far.set(cameraId, true);
    try {
      await this.#cameras.add(this.#elsewhere.options(cameraId));
    } catch (error) {
      // Two who asked at once: the first has added it. Any other refusal shows when the camera is not found.
      if (error instanceof GatewayError && error.code === 'camera_exists') return;
      this.#far.delete(cameraId);
    }
  }

  /** Throws where recordings of this camera are wanted that only another gateway can have. What was recorded does not cross. */
  refuseRecordings(cameraId: string): void {
    const node = this.#cameras.recorders.has(cameraId) ? undefined : this.#elsewhere.nodeOf(cameraId);
    if (node === undefined) return;
    throw new GatewayError(
      'not_found',
      `not_found: camera "${cameraId}" is not recorded at this gateway; recordings are played by the gateway that made them: ask "${node}", which has this camera`,
    );
  }

  /** Who has which camera may have changed: what nobody has nor watches goes, and what somebody has again is tried at once. */
  tidy(): void {
    for (const [id, had] of this.#far) {
      const camera = this.#cameras.all().find((one) => one.id === id);
      const has = this.#elsewhere.nodeOf(id) !== undefined;
      if (!camera) continue;
      this.#far.set(id, has);
      if (has && !had) camera.retryNow();
      else if (!has && camera.viewers === 0) void this.#remove(id);
    }
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#cameras.remove(id);
    } catch {
      // It went by itself.
    }
    this.#far.delete(id);
  }

  #known(cameraId: string): boolean {
    try {
      this.#cameras.get(cameraId);
      return true;
    } catch (error) {
      return error instanceof GatewayError && error.code !== 'camera_not_found';
    }
  }
}
