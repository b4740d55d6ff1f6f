/** A client manager under a supervisor, on virtual time, and living processes for it to know. */
import { expect } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { ClientManager, clientManagerLogic, type Registration } from '../../src/gateway/client-manager.js';
import { Place } from '../../src/gateway/place.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { leftovers } from '../../src/otp/leaks.js';
import { type Process, processOf } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { spawn } from '../../src/otp/spawn.js';
import type { System } from '../../src/otp/system.js';

const somebodyLogic = fromProcess(() => ({}), { kind: 'somebody' });

export class Managed {
  readonly place = new Place();
  readonly manager = new ClientManager(() => this.place.process);
  /** What a fresh manager is told. */
  alive: Registration[] = [];
  #application: Application | undefined;
  #names = 0;

  static async start({ clientsMax = 10_000, streamsPerClientMax = 16 } = {}): Promise<Managed> {
    const managed = new Managed();
    const input = () => ({ clientsMax, streamsPerClientMax, adopt: () => managed.alive });
    managed.#application = await startApplication(
      'test',
      { children: [{ id: 'clients', start: managed.place.starts(clientManagerLogic, input) }], intensity: 1_000 },
      { clock: new VirtualClock() },
    );
    return managed;
  }

  get application(): Application {
    return this.#application as Application;
  }

  get system(): System {
    return this.application.system;
  }

  /** Ends everybody, and shows that the manager then knows nobody and that nothing is left. */
  async stop(): Promise<void> {
    const { manager, system } = this;
    expect(manager.faults()).toEqual([]);
    for (const process of [...system.processes]) if (process.kind === 'somebody') exit(process.ref, 'kill');
    system.flush();
    expect(manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
    expect(system.monitors).toBe(0);
    await this.application.stop();
    expect(leftovers(system)).toEqual({});
  }

  /** A living process: a client or a stream. */
  somebody(): AnyActorRef {
    this.#names += 1;
    const root = processOf(this.application.root) as Process;
    return (spawn(root, somebodyLogic, { id: `somebody-${this.#names}` }).process as Process).ref;
  }

  kill(ref: AnyActorRef): void {
    exit(ref, 'kill');
    this.system.flush();
  }

  /** A client of this node id with a control stream. */
  connected(nodeId: string, endpoint?: string): { readonly client: AnyActorRef; readonly stream: AnyActorRef } {
    const [client, stream] = [this.somebody(), this.somebody()];
    expect(this.manager.clientConnected(client, { nodeId })).toBeUndefined();
    expect(this.manager.storeClientStream(nodeId, stream, endpoint)).toBeUndefined();
    return { client, stream };
  }
}
