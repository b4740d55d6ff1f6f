/**
 * A whole gateway on virtual time, with one camera that plays the demo clip. Clients and viewers come as its edges bring
 * them, with wires of the test.
 */
import { expect, vi } from 'vitest';
import { createGateway, type GatewayHostOptions, type SluiceGateway } from '../../src/application.js';
import type { ClientManager } from '../../src/gateway/client-manager.js';
import { LiveGateway } from '../../src/gateway/live-gateway.js';
import type { Session } from '../../src/gateway/session.js';
import type { ControlHandle, Hello, StreamHandle } from '../../src/gateway/transport.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { exit } from '../../src/otp/signals.js';
import type { KernelEvent, System } from '../../src/otp/system.js';
import { HeldWire, RecordedControl } from './paths/held-wire.js';

/** The time between two pictures of the clip, and a little more. Milliseconds. */
export const PICTURE_MS = 110;

/** A wire that takes every frame at once. */
export class QuickWire extends HeldWire {
  override quick = true;
}

export interface Connected {
  readonly control: ControlHandle;
  readonly wire: RecordedControl;
}

export interface Churner extends Connected {
  readonly session: Session;
  /** That of its viewer, if it has one. */
  readonly watched: QuickWire | undefined;
}

export class WholeGateway {
  readonly clock = new VirtualClock();
  readonly gateway: SluiceGateway;
  /** What the edges of the gateway talk to. */
  readonly live: LiveGateway;

  private constructor(options: GatewayHostOptions) {
    this.gateway = createGateway({
      clock: this.clock,
      random: () => 0,
      grpc: { port: 0 },
      http: { port: 0 },
      log: { level: 'silent' },
      cameras: [{ id: 'front', source: 'clip:' }],
      ...options,
    });
    // Whoever embeds the gateway does not see its inner side; whoever tests it has to.
    const onEvent = vi.spyOn(LiveGateway.prototype, 'onEvent');
    this.gateway.on('*', () => {})();
    this.live = onEvent.mock.contexts[0] as LiveGateway;
    onEvent.mockRestore();
  }

  static async start(options: GatewayHostOptions = {}): Promise<WholeGateway> {
    const whole = new WholeGateway(options);
    await whole.gateway.start();
    return whole;
  }

  get manager(): ClientManager {
    return this.gateway.clients;
  }

  get states(): readonly string[] {
    return this.live.sessions().map(({ nodeId, state }) => `${nodeId} ${state}`);
  }

  get viewers(): number {
    return this.gateway.cameras.viewers;
  }

  /** The camera's own process tells which system everything runs in. */
  get system(): System {
    return this.gateway.cameras.get('front').process.system;
  }

  /** Stops it and shows that nothing is left. */
  async stop(): Promise<void> {
    let over = false;
    const stopped = this.gateway.stop({ deadlineMs: 0 }).then(() => {
      over = true;
    });
    // Closing a port takes real time; what the gateway waits for besides is virtual.
    while (!over) await this.pass(100);
    await stopped;
    expect(this.gateway.census()).toEqual({});
  }

  /** Every message delivered and every promise settled; no time passes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  async hello(nodeId: string, more: Partial<Hello> = {}): Promise<Connected> {
    const wire = new RecordedControl();
    const control = await this.live.connect({ ...HELLO, nodeId, ...more }, wire);
    await this.settle();
    return { control, wire };
  }

  /** A call that watches the camera. */
  async watch(nodeId?: string): Promise<{ readonly call: StreamHandle; readonly wire: QuickWire }> {
    const wire = new QuickWire();
    const call = await this.live.watch({ cameraId: 'front' }, nodeId, wire);
    await this.settle();
    return { call, wire };
  }

  /** A client and, if it is `watching`, its viewer; nothing is waited for but the answers. */
  async churner(nodeId: string, { watching = true } = {}): Promise<Churner> {
    const wire = new RecordedControl();
    const control = await this.live.connect({ ...HELLO, nodeId }, wire);
    const watched = watching ? new QuickWire() : undefined;
    if (watched) await this.live.watch({ cameraId: 'front' }, nodeId, watched);
    return { control, wire, watched, session: this.gateway.sessions.get(nodeId) as Session };
  }

  /** Kills whoever has this path, as a crash would. */
  async kill(path: string): Promise<void> {
    const process = [...this.system.processes].find((one) => one.path === path);
    expect(process, `an actor "${path}"`).toBeDefined();
    if (process) exit(process.ref, 'kill');
    await this.settle();
  }

  /** The reasons for which this actor has ended. */
  ends(path: string): readonly (string | undefined)[] {
    return this.live
      .events()
      .filter(({ type, actor }) => type === ('process.down' satisfies KernelEvent['type']) && actor === path)
      .map(({ reason }) => reason);
  }
}

export const HELLO: Hello = {
  nodeId: '',
  realm: '',
  role: 'client',
  capabilities: [],
  endpoint: '',
  sessionId: '',
  packageName: '',
  resumeToken: '',
  ordinal: 0,
};

export const NOBODY = { clients: 0, clientStreams: 0, streams: 0 };
