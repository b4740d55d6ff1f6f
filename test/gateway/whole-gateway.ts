/**
 * The gateway without its listeners, on virtual time: clients, sessions, streams and cameras as in `src/application.ts`,
 * over sources and wires of the test.
 */
import { expect } from 'vitest';
import { type ConfigurationInput, configure } from '../../src/configuration.js';
import { Cameras } from '../../src/gateway/cameras.js';
import { Chronicle } from '../../src/gateway/chronicle.js';
import { ClientManager, clientManagerLogic } from '../../src/gateway/client-manager.js';
import { Courier, courierLogic } from '../../src/gateway/courier.js';
import type { FrameSource, SourceAttempt, SourceListener } from '../../src/gateway/frame-source.js';
import { LiveGateway } from '../../src/gateway/live-gateway.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import { MemoryOwnership } from '../../src/gateway/ownership.js';
import { Place } from '../../src/gateway/place.js';
import { Sessions } from '../../src/gateway/sessions.js';
import type { ControlHandle, Hello, StreamHandle } from '../../src/gateway/transport.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { dynamicSupervisor, supervisor } from '../../src/otp/index.js';
import { leftovers } from '../../src/otp/leaks.js';
import { exit } from '../../src/otp/signals.js';
import { System } from '../../src/otp/system.js';
import { HeldWire, RecordedControl } from './paths/held-wire.js';

/** A source that is there as soon as it is wanted and gone as soon as it is not. */
class ReadySource implements FrameSource {
  readonly kind = 'ready';
  readonly label = 'ready:';
  readonly listeners = new Set<SourceListener>();

  open(listener: SourceListener): SourceAttempt {
    this.listeners.add(listener);
    return { close: async () => void this.listeners.delete(listener) };
  }

  picture(): void {
    for (const listener of [...this.listeners])
      listener.picture({ contentType: 'image/jpeg', data: Buffer.from('picture') });
  }
}

/** A wire that takes every frame at once, which is the same as later for whoever waits for it. */
export class QuickWire extends HeldWire {
  override quick = true;
}

export class WholeGateway {
  readonly clock = new VirtualClock();
  readonly system = new System({ clock: this.clock });
  readonly source = new ReadySource();
  readonly options: GatewayOptions;
  readonly manager: ClientManager;
  readonly sessions: Sessions;
  readonly cameras: Cameras;
  readonly live: LiveGateway;
  readonly #chronicle = new Chronicle(this.system);
  readonly #places = {
    courier: new Place(),
    manager: new Place(),
    cameras: new Place(),
    sessions: new Place(),
    views: new Place(),
  };
  #application: Application | undefined;

  constructor(input: ConfigurationInput = {}) {
    this.options = configure({ cameras: [{ id: 'front', source: 'ready:' }], ...input }) as GatewayOptions;
    const { courier, manager, cameras, sessions, views } = this.#places;
    this.manager = new ClientManager(() => manager.process);
    this.sessions = new Sessions({
      options: this.options,
      manager: this.manager,
      supervisor: () => sessions.ref,
      ownership: new MemoryOwnership(),
      courier: new Courier(courier),
      note: () => {},
    });
    this.cameras = new Cameras({
      options: this.options,
      sources: () => this.source,
      encode: () => Buffer.alloc(100),
      random: () => 0,
      supervisor: () => cameras.ref,
      onDisconnected: () => {},
    });
    this.live = new LiveGateway({
      options: this.options,
      system: this.system,
      manager: this.manager,
      sessions: this.sessions,
      cameraTable: this.cameras,
      chronicle: this.#chronicle,
      views: () => views.ref,
    });
  }

  static async start(input: ConfigurationInput = {}): Promise<WholeGateway> {
    const gateway = new WholeGateway(input);
    await gateway.#start();
    return gateway;
  }

  async #start(): Promise<void> {
    const { courier, manager, cameras, sessions, views } = this.#places;
    const { clients: clientsMax, streamsPerClient: streamsPerClientMax } = this.options.limits;
    const limits = () => ({ clientsMax, streamsPerClientMax, adopt: () => this.sessions.registrations() });
    const core = [
      { id: 'courier', start: courier.starts(courierLogic) },
      { id: 'clients', start: manager.starts(clientManagerLogic, limits) },
    ];
    const specs = this.options.cameras.map((camera) => this.cameras.spec(camera));
    const children = [
      { id: 'core', start: { logic: supervisor({ strategy: 'rest_for_one', intensity: 100, children: core }) } },
      { id: 'cameras', start: cameras.starts(supervisor({ children: specs, intensity: 100 })) },
      { id: 'sessions', start: sessions.starts(dynamicSupervisor()) },
      { id: 'views', start: views.starts(dynamicSupervisor()) },
    ].map((child) => ({ ...child, type: 'supervisor' as const }));
    this.#application = await startApplication('sluice', { strategy: 'rest_for_one', children }, this.system);
  }

  /** Stops everything and shows that nothing is left. */
  async stop(): Promise<void> {
    await this.#application?.stop();
    this.#chronicle.close();
    expect(leftovers(this.system)).toEqual({});
    expect(this.source.listeners.size, 'open sources').toBe(0);
  }

  /** Every message delivered and every promise settled; no time passes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      this.system.flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  async hello(
    nodeId: string,
    more: Partial<Hello> = {},
  ): Promise<{ readonly control: ControlHandle; readonly wire: RecordedControl }> {
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

  /** Kills whoever has this path, as a crash would. */
  async kill(path: string): Promise<void> {
    const process = [...this.system.processes].find((one) => one.path === path);
    expect(process, `an actor "${path}"`).toBeDefined();
    if (process) exit(process.ref, 'kill');
    await this.settle();
  }

  /** `n1 connected`, one for each session. */
  get states(): readonly string[] {
    return this.live.sessions().map(({ nodeId, state }) => `${nodeId} ${state}`);
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
