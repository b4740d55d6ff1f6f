/**
 * Cameras as keys. Of all gateways that are configured with a camera of one id, the one that holds `camera.<id>` opens its source,
 * for as long as it has an attempt at it; the others have its pictures from there. A source cannot be relied on to check tokens,
 * so the claim is exclusive: nobody opens it before the holder has closed it, or may not act any more for longer than the margin.
 *
 * Here a camera's own source becomes one that decides at each attempt which of the two it is. The camera knows nothing of it. What
 * is fed by a publisher is no key: who publishes chose the gateway. What is another gateway's is none of ours.
 */
import { isFed } from '../gateway/fed-source.js';
import type { FrameSource, SourceAttempt, SourceFactory, SourceListener } from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import type { ClusterNode } from './node.js';
import { isHeard, OwnedSource } from './owned-source.js';
import type { Token } from './token.js';

/** The keys of cameras begin so. */
const PREFIX = 'camera.';

export interface OwnedCamerasParts {
  /** The node that is alive now. */
  readonly node: () => ClusterNode | undefined;
  /** An attempt at what another node has of this camera. */
  readonly relay: (camera: string, from: string, listener: SourceListener, clock: Clock) => SourceAttempt;
  /** This camera comes from that node from now on: whoever has it from here goes there. */
  readonly onElsewhere: (camera: string, node: string) => void;
}

export class OwnedCameras {
  readonly #parts: OwnedCamerasParts;
  #refused = 0;

  constructor(parts: OwnedCamerasParts) {
    this.#parts = parts;
  }

  /** Pictures that came after the right to take them was lost. */
  get refused(): number {
    return this.#refused;
  }

  /** The same sources, each opened by one gateway at a time. */
  sources(factory: SourceFactory): SourceFactory {
    return (url, more, options) => {
      const source = factory(url, more, options);
      const camera = options?.id;
      if (camera === undefined || isFed(source) || source.kind === 'node') return source;
      return this.#owned(camera, source);
    };
  }

  /** The token under which this node has the camera's source open. */
  token(camera: string): Token | undefined {
    return this.#parts.node()?.ownership(PREFIX + camera)?.token;
  }

  /** The node that holds the camera and is heard, itself included. */
  holder(camera: string): string | undefined {
    const node = this.#parts.node();
    const holder = node?.whereis(PREFIX + camera)?.node;
    return node && holder !== undefined && isHeard(node, holder) ? holder : undefined;
  }

  /** Another node that holds it and is heard. */
  elsewhere(camera: string): string | undefined {
    const holder = this.holder(camera);
    return holder === this.#parts.node()?.name ? undefined : holder;
  }

  #owned(camera: string, source: FrameSource): FrameSource {
    const { node, relay, onElsewhere } = this.#parts;
    return new OwnedSource({
      key: PREFIX + camera,
      source,
      node,
      relay: (from, listener, clock) => {
        onElsewhere(camera, from);
        return relay(camera, from, listener, clock);
      },
      onRefused: () => {
        this.#refused += 1;
      },
    });
  }
}
