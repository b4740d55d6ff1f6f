/**
 * `grpc.health.v1`: the whole, each service, and each camera as `camera/<id>`.
 *
 * A camera serves unless it is known to be in trouble. One that is idle serves: it opens when somebody asks. Opening proves
 * nothing either way, so the last verdict stands until it has; a camera first seen while it opens does not serve yet.
 * While the gateway drains, nothing serves.
 */
import { Metadata, type Server } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import type { CameraView } from '../gateway/views.js';
import { AUDIO_SERVICE } from './audio-service.js';
import { Camera } from './gen/sluice/v1/camera_pb.js';
import { Gateway as GatewayService } from './gen/sluice/v1/gateway_pb.js';
import { HealthService, type Verdict } from './health-watch.js';

/** The overall health, by the protocol's convention, and our services. */
const SERVICES = ['', GatewayService.typeName, Camera.typeName, AUDIO_SERVICE] as const;

/** What the names of cameras begin with. */
const CAMERA = 'camera/';

const SERVES: Readonly<Record<string, boolean>> = {
  idle: true,
  live: true,
  lingering: true,
  releasing: true,
  stale: false,
  recovering: false,
  backingOff: false,
  failed: false,
};

export class Health {
  readonly #gateway: Gateway;
  readonly #service = new HealthService((name) => this.#dataOf(name));
  readonly #unsubscribe: () => void;
  /** Its server is going away, whatever the gateway says. */
  #over = false;
  #told = false;
  #refresh: NodeJS.Immediate | undefined;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#tell();
    this.#unsubscribe = gateway.onEvent((event) => {
      if (event.kind === 'camera' || gateway.draining !== this.#told) this.#tellSoon();
    });
  }

  addTo(server: Pick<Server, 'addService'>): void {
    this.#service.addTo(server);
  }

  /** From now on nothing serves, whatever the gateway says. */
  drain(): void {
    this.#over = true;
    this.#tell();
  }

  stop(): void {
    this.#unsubscribe();
    clearImmediate(this.#refresh);
  }

  /** Events come in bursts; they are answered once. */
  #tellSoon(): void {
    this.#refresh ??= setImmediate(() => {
      this.#refresh = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    this.#told = this.#gateway.draining;
    const gone = new Set(this.#service.names());
    const set = (name: string, verdict: Verdict): void => {
      gone.delete(name);
      this.#service.set(name, verdict);
    };
    for (const name of SERVICES) set(name, this.#draining ? 'NOT_SERVING' : 'SERVING');
    for (const camera of this.#gateway.cameras()) set(`${CAMERA}${camera.id}`, this.#verdict(camera));
    for (const name of gone) this.#service.remove(name);
  }

  get #draining(): boolean {
    return this.#over || this.#told;
  }

  /** The protocol has a verdict and no more; how old the data is at each layer goes with it as trailers. */
  #dataOf(name: string): Metadata | undefined {
    if (!name.startsWith(CAMERA)) return undefined;
    const data = this.#gateway.cameras().find(({ id }) => id === name.slice(CAMERA.length))?.data;
    if (!data) return undefined;
    const trailers = new Metadata();
    trailers.set('sluice-data-state', data.state);
    if (data.inMs !== undefined) trailers.set('sluice-data-source-ms', String(data.inMs));
    if (data.outMs !== undefined) trailers.set('sluice-data-camera-ms', String(data.outMs));
    return trailers;
  }

  #verdict(camera: CameraView): Verdict {
    if (this.#draining) return 'NOT_SERVING';
    const serves = SERVES[camera.state];
    if (serves === undefined) return this.#service.verdict(`${CAMERA}${camera.id}`) ?? 'NOT_SERVING';
    return serves ? 'SERVING' : 'NOT_SERVING';
  }
}
