/**
 * A whole gateway without ports, on virtual time, with one camera that plays the demo clip. Clients and viewers come as its edges bring
 * them, with wires of the test.
 */
import { expect } from 'vitest';
import { type GatewayTree, type GatewayTreeParts, gatewayTree } from '../../src/application.js';
import { sourceFactory } from '../../src/cameras/index.js';
import { type ConfigurationInput, configure } from '../../src/configuration.js';
import type { ClientManager } from '../../src/gateway/client-manager.js';
import type { SourceFactory } from '../../src/gateway/frame-source.js';
import type { LiveGateway } from '../../src/gateway/live-gateway.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { Session } from '../../src/gateway/session.js';
import type { ControlHandle, Hello, StreamHandle } from '../../src/gateway/transport.js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { leftovers } from '../../src/otp/leaks.js';
import { exit } from '../../src/otp/signals.js';
import { type KernelEvent, System } from '../../src/otp/system.js';
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

/** What is a test's own. */
type Given = Partial<Pick<GatewayTreeParts, 'sources' | 'roomBackend'>>;

export class WholeGateway {
  readonly clock = new VirtualClock();
  readonly system = new System({ clock: this.clock });
  readonly gateway: GatewayTree;
  #application: Application | undefined;

  private constructor(input: ConfigurationInput, parts: Given) {
    this.gateway = gatewayTree({
      options: configure({ cameras: [{ id: 'front', source: 'clip:' }], ...input }) as GatewayOptions,
      system: this.system,
      sources: sourceFactory,
      encode: encodeFrame,
      random: () => 0,
      ...parts,
    });
  }

  static async start(input: ConfigurationInput = {}, parts: Given | SourceFactory = {}): Promise<WholeGateway> {
    const whole = new WholeGateway(input, typeof parts === 'function' ? { sources: parts } : parts);
    whole.#application = await startApplication('sluice', whole.gateway.root([]), whole.system);
    return whole;
  }

  /** What the edges of the gateway talk to. */
  get live(): LiveGateway {
    return this.gateway.live;
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

  /** Stops it and shows that nothing is left. */
  async stop(): Promise<void> {
    await this.#application?.stop();
    this.gateway.chronicle.close();
    expect(leftovers(this.system)).toEqual({});
    expect(this.clock.pending, 'timers on the clock').toBe(0);
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
    expect(await this.killIfThere(path), `an actor "${path}"`).toBe(true);
  }

  /** The same, where somebody may be waiting to be started again. @returns whether there was anybody. */
  async killIfThere(path: string): Promise<boolean> {
    const process = [...this.system.processes].find((one) => one.path === path);
    if (process) exit(process.ref, 'kill');
    await this.settle();
    return process !== undefined;
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
