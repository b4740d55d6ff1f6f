/**
 * Somebody who publishes frames for a camera: a stream of theirs to us. Pictures go from the wire to the camera's source
 * without touching a chart and without waiting for anybody: a viewer that is too slow loses frames at its own queue. What
 * the chart learns is how it ends, silence included.
 */
import type { ExitReason } from '../otp/exit-reason.js';
import { type DataAges, dataAges, SILENT_MS, stateByAge } from './data-age.js';
import type { FedSource, Feeder, Intake } from './fed-source.js';
import type { Picture } from './frame.js';
import { GatewayError } from './gateway-error.js';
import { SilenceWatch } from './silence.js';
import { StreamBody, type Traffic } from './stream.js';
import type { PublishHandle, PublishWire } from './transport.js';
import type { StreamView } from './views.js';

export interface PublisherOptions {
  readonly cameraId: string;
  readonly source: FedSource;
  readonly wire: PublishWire;
  readonly nodeId: string;
  /** Heard nothing for so long, it ends. */
  readonly inactivityMs: number;
  /** It is there from now on, and what it shows may be wanted. */
  readonly onBegun: () => void;
  /** Another publisher took its place. */
  readonly onSuperseded: (publisher: Publisher) => void;
}

export class Publisher extends StreamBody implements Feeder, PublishHandle {
  readonly kind = 'publish';
  readonly nodeId: string;
  readonly #options: PublisherOptions;
  #intake: Intake | undefined;
  #frames = 0;
  #bytes = 0;
  #heardAtMs = 0;
  #picturedAtMs: number | undefined;

  constructor(options: PublisherOptions) {
    super();
    this.#options = options;
    this.nodeId = options.nodeId;
  }

  get cameraId(): string {
    return this.#options.cameraId;
  }

  begin(): void {
    if (!this.alive) return;
    this.send({ type: 'stream.opened' });
    this.#intake = this.#options.source.feed(this);
    this.#options.onBegun();
    this.heard();
    new SilenceWatch(this.process, {
      limitMs: this.#options.inactivityMs,
      lastAtMs: () => this.#heardAtMs,
      silent: () => this.send({ type: 'silence.detected' }),
    });
  }

  picture(picture: Picture): void {
    this.heard();
    if (!this.#intake || !this.alive) return;
    this.#picturedAtMs = this.#heardAtMs;
    this.#frames += 1;
    this.#bytes += picture.data.length;
    this.#intake.push(picture);
  }

  heard(): void {
    this.#heardAtMs = this.process.system.clock.now();
  }

  superseded(): void {
    this.#options.onSuperseded(this);
    const why = `superseded: another publisher of camera "${this.cameraId}" took the place`;
    this.send({ type: 'owner.lost', reason: { shutdown: new GatewayError('superseded', why) } });
  }

  override view(state: string): StreamView {
    return { ...super.view(state), cameraId: this.cameraId };
  }

  protected override close(reason: ExitReason): void {
    this.#intake?.leave();
    const ended = typeof reason === 'object' && 'shutdown' in reason && reason.shutdown === 'ended';
    if (ended) {
      this.#options.wire.finish({ frames: this.#frames, bytes: this.#bytes, dropped: this.#intake?.dropped ?? 0 });
    } else this.#options.wire.end(reason);
  }

  /** It has said its last, and all that it said has been taken. */
  protected override drain(drained: () => void): void {
    drained();
  }

  /** `sent` counts what this publisher sent. */
  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    return { queued: 0, sent: this.#frames, drops: this.#intake?.dropped ?? 0 };
  }

  /** In: it sent a picture. A heartbeat is none. */
  protected override data(nowMs: number): DataAges {
    return dataAges(nowMs, stateByAge(nowMs, this.#picturedAtMs, SILENT_MS), { inAtMs: this.#picturedAtMs });
  }

  override traffic(): Traffic {
    const drops = { not_taken: this.#intake?.dropped ?? 0 };
    return { framesIn: this.#frames, bytesIn: this.#bytes, framesOut: 0, bytesOut: 0, drops };
  }
}
