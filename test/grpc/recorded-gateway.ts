/**
 * The far side of the gRPC edge, written down: what the handlers told the gateway, in order, and what the test makes the
 * gateway say. It decides nothing. The real gateway is behind the same handlers in `gateway.test.ts`.
 */
import type { Frame } from '../../src/gateway/frame.js';
import type { Gateway } from '../../src/gateway/gateway.js';
import type { GatewayError } from '../../src/gateway/gateway-error.js';
import type {
  ControlHandle,
  ControlWire,
  FrameWire,
  Hello,
  StreamHandle,
  WatchOptions,
} from '../../src/gateway/transport.js';
import type { CameraView, GatewayEvent } from '../../src/gateway/views.js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';

export class RecordedGateway implements Pick<Gateway, 'connect' | 'watch' | 'cameras' | 'onEvent' | 'draining'> {
  draining = false;
  /** The only option that this edge reads. */
  readonly options = { session: { inactivityMs: 30_000 } };
  /** What the edge told, one line each, in order. */
  readonly told: string[] = [];
  readonly hellos: Hello[] = [];
  readonly watched: { readonly request: WatchOptions; readonly nodeId: string | undefined }[] = [];
  control: ControlWire | undefined;
  frames: FrameWire | undefined;
  /** What a connect or a watch waits for before it is answered; a rejection refuses it. */
  admission: () => Promise<void> = () => Promise.resolve();
  /** What a subscribe or a register is refused with. */
  refusal: GatewayError | undefined;
  cameraList: CameraView[] = [camera('front', 'idle')];
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #waiting = new Set<() => void>();

  async connect(hello: Hello, wire: ControlWire): Promise<ControlHandle> {
    this.hellos.push(hello);
    this.#tell('hello');
    await this.admission();
    this.control = wire;
    wire.send({
      type: 'welcome',
      clientId: 'c1',
      sessionId: 's1',
      resumeToken: '',
      token: { era: 1, rev: 1 },
      heartbeatMs: 5000,
      resumed: false,
    });
    return {
      ...this.#handle(),
      clientId: 'c1',
      heartbeat: (timestampMs) => {
        this.#tell(`heartbeat ${timestampMs}`);
        wire.send({ type: 'heartbeat', timestampMs });
      },
      heard: () => this.#tell('heard'),
      subscribe: (pattern) => this.#tellUnlessRefused(`subscribe ${pattern}`),
      unsubscribe: (pattern) => this.#tell(`unsubscribe ${pattern}`),
      publish: (topic, payload) => this.#tell(`publish ${topic} ${payload.length}`),
      register: (procedure, ttlMs) => this.#tellUnlessRefused(`register ${procedure} ${ttlMs}`),
      unregister: (procedure) => this.#tell(`unregister ${procedure}`),
      call: ({ id, procedure, payload, timeoutMs }) =>
        this.#tell(`call ${id} ${procedure} ${payload.length} ${timeoutMs}`),
      reply: ({ id, error }) => this.#tell(`reply ${id} ${error?.code ?? 'fine'}`),
      bye: (reason) => {
        this.#tell(`bye ${reason}`);
        wire.end({ shutdown: 'bye' });
      },
    };
  }

  async watch(request: WatchOptions, nodeId: string | undefined, wire: FrameWire): Promise<StreamHandle> {
    this.watched.push({ request, nodeId });
    this.#tell('watch');
    await this.admission();
    this.frames = wire;
    this.#tell('watching');
    return this.#handle();
  }

  cameras(): readonly CameraView[] {
    return this.cameraList;
  }

  onEvent(listener: (event: GatewayEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  setCamera(id: string, state: string): void {
    this.cameraList = [...this.cameraList.filter((one) => one.id !== id), camera(id, state)];
    for (const listener of this.#listeners) {
      listener({ id: 1, atMs: 0, type: 'camera.state', actor: `sluice/cameras/camera:${id}`, kind: 'camera' });
    }
  }

  /** Resolves when the edge has told `line`. */
  async hears(line: string): Promise<void> {
    while (!this.told.includes(line)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  asGateway(): Gateway {
    return this as unknown as Gateway;
  }

  #handle(): StreamHandle {
    return {
      id: 'stream-1',
      peerCancelled: () => this.#tell('cancelled'),
      peerHalfClosed: () => this.#tell('half-closed'),
      failed: (error) => this.#tell(`failed ${error.message}`),
      deadlineExceeded: () => this.#tell('deadline exceeded'),
    };
  }

  #tellUnlessRefused(line: string): void {
    if (this.refusal) throw this.refusal;
    this.#tell(line);
  }

  #tell(line: string): void {
    this.told.push(line);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function camera(id: string, state: string): CameraView {
  return { id, state, source: 'clip:', viewers: 0, frames: 0, skipped: 0, attempts: 0 };
}

export function frame(seq: number, bytes = 100): Frame {
  const content = {
    cameraId: 'front',
    seq,
    timestampMs: 1_700_000_000_000 + seq,
    contentType: 'image/jpeg',
    key: true,
    picture: Buffer.alloc(bytes, seq),
  };
  return { ...content, message: encodeFrame(content) };
}
