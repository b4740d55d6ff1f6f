/**
 * The gateway that is running: its edges' requests spread over clients, sessions and cameras. It holds no state of its own
 * but whether it is draining; what it shows of itself is in `shown-gateway.ts`.
 */
import type { AnyActorRef } from 'xstate';
import { exit, requestStop } from '../otp/signals.js';
import { startChild } from '../otp/supervisor-api.js';
import { CallStream } from './call-stream.js';
import { CleanUp } from './clean-up.js';
import { registrationError } from './client.js';
import type { FarCameras } from './far-cameras.js';
import type { Frame } from './frame.js';
import type { Gateway } from './gateway.js';
import { GatewayError } from './gateway-error.js';
import { procedureFault } from './members.js';
import type { GatewayOptions } from './options.js';
import type { RecordingArchive } from './recording.js';
import type { AudioRooms } from './room-transport.js';
import type { Session } from './session.js';
import { ShownGateway, type ShownParts } from './shown-gateway.js';
import { type StreamBody, streamInput, streamLogic } from './stream.js';
import type { Telemetry } from './telemetry.js';
import type {
  CallOptions,
  CallWire,
  ControlHandle,
  ControlWire,
  FrameWire,
  Hello,
  PublishHandle,
  PublishOptions,
  PublishWire,
  StreamHandle,
  WatchOptions,
} from './transport.js';

export interface LiveGatewayParts extends ShownParts {
  readonly telemetry: Telemetry;
  /** The supervisor of HTTP views that is alive now. */
  readonly views: () => AnyActorRef | undefined;
  /** Cameras of other gateways. Absent where this one is alone. */
  readonly far?: FarCameras | undefined;
}

/** How often a drain looks whether everybody has gone, in milliseconds. */
const DRAIN_LOOK_MS = 20;
/** How many gateways may take part in one call. */
const HOPS_MAX = 10;

export class LiveGateway extends ShownGateway implements Gateway {
  readonly options: GatewayOptions;
  readonly #parts: LiveGatewayParts;
  readonly #cleanUp: CleanUp;
  #lastView = 0;
  #draining = false;
  /** It drains because it ends. */
  #ending = false;

  constructor(parts: LiveGatewayParts) {
    super(parts);
    this.#parts = parts;
    this.options = parts.options;
    this.#cleanUp = new CleanUp(parts, parts.chronicle);
  }

  get draining(): boolean {
    return this.#draining;
  }

  async connect(hello: Hello, wire: ControlWire): Promise<ControlHandle> {
    return this.#parts.telemetry.connecting(hello, async () => {
      this.#refuseWhileDraining();
      return this.#parts.sessions.connect(hello, wire);
    });
  }

  async watch(request: WatchOptions, nodeId: string | undefined, wire: FrameWire): Promise<StreamHandle> {
    this.#refuseWhileDraining();
    const { sessions, cameraTable, telemetry } = this.#parts;
    await this.#find(request);
    // Look first: a call for a camera that does not exist makes nobody a client.
    cameraTable.get(request.cameraId);
    const session = await telemetry.asking(false, () => sessions.forCall(nodeId));
    const viewer = await this.#attach(session, () => cameraTable.viewer(request, { wire, nodeId: session.nodeId }));
    viewer.begin();
    return viewer;
  }

  async publish({ cameraId }: PublishOptions, nodeId: string | undefined, wire: PublishWire): Promise<PublishHandle> {
    this.#refuseWhileDraining();
    const { sessions, cameraTable, chronicle, telemetry } = this.#parts;
    cameraTable.fed(cameraId);
    const session = await telemetry.asking(false, () => sessions.forCall(nodeId));
    const publisher = await this.#attach(session, () =>
      cameraTable.publisher(cameraId, {
        wire,
        nodeId: session.nodeId,
        onSuperseded: ({ id, kind }) =>
          chronicle.note({ type: 'publisher.superseded', actor: id, kind, detail: { camera: cameraId } }),
      }),
    );
    publisher.begin();
    return publisher;
  }

  async call(request: CallOptions, nodeId: string | undefined, wire: CallWire): Promise<StreamHandle> {
    this.#refuseWhileDraining();
    const { sessions, board, telemetry } = this.#parts;
    const fault = procedureFault(request.procedure);
    if (fault) throw new GatewayError('invalid_argument', `procedure: ${fault}`);
    if (request.hops >= HOPS_MAX) {
      throw new GatewayError('max_hops_reached', `max_hops_reached: the call has passed ${request.hops} gateways`);
    }
    // As with a camera: a call that nobody can answer makes nobody a client.
    const [provider] = board.services.providersOf(request.procedure);
    if (!provider) throw new GatewayError('not_found', `not_found: nobody provides "${request.procedure}"`);
    const session = await telemetry.asking(false, () => sessions.forCall(nodeId));
    const stream = await this.#attach(session, () => new CallStream(session.nodeId, wire));
    stream.begin(board.calls, request);
    return stream;
  }

  /** A camera of another gateway comes here; what was recorded of it does not. */
  async #find({ cameraId, fromMs }: WatchOptions): Promise<void> {
    if (fromMs === undefined) await this.#parts.far?.find(cameraId);
    else this.#parts.far?.refuseRecordings(cameraId);
  }

  /** Starts a stream of a session that is no control stream. */
  async #attach<B extends StreamBody>(session: Session, make: () => B): Promise<B> {
    try {
      return await session.startStream(make(), (ref) => {
        const refusal = this.#parts.manager.attachStream(session.nodeId, ref);
        return refusal === undefined ? undefined : registrationError(refusal, session.nodeId);
      });
    } catch (error) {
      if (session.streams.length === 0) session.client.send({ type: 'client.unused' });
      throw error;
    }
  }

  async view(request: WatchOptions, wire: FrameWire): Promise<StreamHandle> {
    this.#refuseWhileDraining();
    await this.#find(request);
    const parent = this.#parts.views();
    if (!parent) throw new GatewayError('draining', 'draining: the listeners are restarting', { retryAfterMs: 500 });
    const viewer = this.#parts.cameraTable.viewer(request, { wire, nodeId: '' });
    this.#lastView += 1;
    const answer = await startChild(parent, {
      id: `view:${this.#lastView}`,
      restart: 'temporary',
      start: ({ spawn }) => spawn(streamLogic, streamInput(this.options.stream), viewer),
    });
    if (answer.error) throw new GatewayError('draining', 'draining: the view could not be started');
    this.views.add(viewer);
    viewer.process.scope.acquire('view_entry', () => void this.views.delete(viewer));
    viewer.begin();
    return viewer;
  }

  async snapshot(cameraId: string, timeoutMs: number): Promise<Frame> {
    await this.#parts.far?.find(cameraId);
    return this.#parts.cameraTable.get(cameraId).snapshot(timeoutMs);
  }

  recorded(cameraId: string): RecordingArchive {
    this.#parts.far?.refuseRecordings(cameraId);
    return this.#parts.cameraTable.recorded(cameraId);
  }

  get audio(): AudioRooms {
    return this.#parts.rooms;
  }

  async act(id: string, action: 'stop' | 'kill' | 'restart', why?: string): Promise<void> {
    const process = this.find(id);
    if (!process) throw new GatewayError('actor_not_found', `actor_not_found: there is no actor "${id}"`);
    const detail = why === undefined ? {} : { detail: { why } };
    this.#parts.chronicle.note({ type: 'actor.asked', actor: id, kind: process.kind, reason: action, ...detail });
    if (action === 'stop') requestStop(process, 'shutdown');
    else exit(process.ref, 'kill');
  }

  evict(id: string): void {
    if (this.#parts.channels.evict(id)) return;
    throw new GatewayError('not_found', `not_found: there is no connection "${id}" that is in use or idle`);
  }

  cleanUp(): Readonly<Record<string, number>> {
    return this.#cleanUp.run();
  }

  /** @param ends the gateway is stopped afterwards: there is no way back. */
  async drain(deadlineMs = this.options.shutdown.deadlineMs, ends = false): Promise<void> {
    this.#draining = true;
    this.#ending ||= ends;
    const { system, sessions, rooms } = this.#parts;
    const reason = { shutdown: 'drain' };
    const controls = new Set<StreamBody>();
    for (const { client } of sessions.all()) if (client.control) controls.add(client.control);
    // Viewers are told before their clients: a stream whose client has gone would end as somebody else's fault.
    for (const stream of this.allStreams()) {
      if (!controls.has(stream)) system.post(stream.process.ref, { type: 'owner.lost', reason } as never);
    }
    const deadline = system.clock.now() + deadlineMs;
    rooms.drain();
    while (this.#draining && sessions.size + this.views.size + rooms.size > 0 && system.clock.now() < deadline) {
      // Each time: a session that was still starting the last time can be told only now.
      for (const session of sessions.all()) session.end(reason);
      rooms.drain();
      await new Promise<void>((resolve) => system.clock.setTimeout(resolve, DRAIN_LOOK_MS));
    }
  }

  undrain(): void {
    if (this.#ending) throw new GatewayError('draining', 'draining: this gateway is being stopped');
    if (!this.#draining) return;
    this.#draining = false;
    this.#parts.rooms.undrain();
    this.#parts.chronicle.note({ type: 'gateway.undrained', actor: '', kind: 'gateway' });
  }

  #refuseWhileDraining(): void {
    if (!this.#draining) return;
    throw new GatewayError('draining', 'draining: this gateway is going away', { retryAfterMs: 1_000 });
  }
}
