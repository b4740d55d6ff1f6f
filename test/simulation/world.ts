/**
 * The product's own gateway on virtual time, without its ports, and everything that a crowd has done to it: connections,
 * watches, sources and monitors, each with what the gateway has answered. Nothing here decides what happens next.
 */

import { type GatewayTree, gatewayTree } from '../../src/application.js';
import { JpegWorks } from '../../src/cameras/jpeg-works.js';
import { pushSource } from '../../src/cameras/push.js';
import { FolderArchive } from '../../src/cameras/recording-archive.js';
import type { ControlStream } from '../../src/gateway/control-stream.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { StreamBody } from '../../src/gateway/stream.js';
import type { Hello } from '../../src/gateway/transport.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import type { ChildSpec } from '../../src/otp/child-spec.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { describeReason, type ExitReason } from '../../src/otp/exit-reason.js';
import { monitor } from '../../src/otp/monitor.js';
import type { Process } from '../../src/otp/process.js';
import { type KernelEvent, System } from '../../src/otp/system.js';
import type { Dice } from './dice.js';
import { GATEWAY, INTRUDER, SimulatedDisk, simulatedProcess } from './disks.js';
import { Ledger } from './ledger.js';
import { SimulatedRooms } from './room-backend.js';
import { settings } from './settings.js';
import { soundLoader } from './sounds.js';
import { SimulatedSource } from './sources.js';
import { ThirdParty } from './third-party.js';
import { Unrest } from './unrest.js';
import { Upstream } from './upstream.js';
import type { SimulatedControl, Wire } from './wires.js';

/** Something asked of the gateway, which must be answered: with what was asked for, or with a reason that it knows. */
export interface Ask {
  readonly label: string;
  readonly atMs: number;
  /** How long it may take; most things are answered soon. */
  readonly patienceMs?: number;
  answer: 'none' | 'given' | 'refused';
  code: string | undefined;
}

export interface Connection extends Ask {
  readonly hello: Hello;
  readonly wire: SimulatedControl;
  /** It beats as long as it is not told to be silent. */
  silent: boolean;
  control: ControlStream | undefined;
}

export interface Watch extends Ask {
  readonly wire: Wire;
  stream: StreamBody | undefined;
}

/** What somebody in the crowd knows to be true; yields what is wrong. */
export type Check = () => Iterable<string>;

/** A monitor that the crowd has set. */
export interface Watched {
  readonly process: Process;
  readonly aliveWhenSet: boolean;
  readonly downs: ExitReason[];
}

export class World {
  readonly clock = new VirtualClock();
  readonly system = new System({ clock: this.clock });
  readonly options: GatewayOptions;
  readonly tree: GatewayTree;
  /** The latest source of each label, and all of them. */
  readonly sources = new Map<string, SimulatedSource>();
  readonly sourcesMade: SimulatedSource[] = [];
  /** Told of each source that is made. */
  onSource: (source: SimulatedSource) => void = () => {};
  readonly thirdParty: ThirdParty;
  readonly upstream: Upstream;
  readonly roomLines: SimulatedRooms;
  readonly disk: SimulatedDisk;
  /** What is recorded, by the camera's id; the latest archive of each. */
  readonly archives = new Map<string, FolderArchive>();
  /** Whether this actor may be left to give back what it holds in its own time: a disk may hang for longer than anybody waits. */
  mayLinger: (process: Process) => boolean = () => false;
  readonly connections: Connection[] = [];
  readonly watches: Watch[] = [];
  readonly asks: Ask[] = [];
  readonly watched: Watched[] = [];
  readonly breaches: string[] = [];
  readonly breach = (what: string): void => {
    this.breaches.push(what);
  };
  readonly ledger = new Ledger(this.breach);
  /** When each session was heard of last, by its id. */
  readonly heardAtMs = new Map<string, number>();
  /** Somebody who carries calls to third parties has ended: what it had to tell is told to nobody. */
  couriersLost = false;
  /** When the service desk that there is now was told of everybody. */
  desksBornAtMs = 0;
  /** When somebody was taken in by each camera last, however shortly. */
  readonly watchedAtMs = new Map<string, number>();
  /** When the core ended last; its successor may have been started since. */
  coreEndedAtMs = 0;
  /** What is started beside the gateway, as a host does. */
  readonly listeners: ChildSpec[] = [];
  /** After each step, when all is at rest. */
  readonly checks: Check[] = [];
  /** Once, when all is over. */
  readonly lastChecks: Check[] = [];
  readonly trace: string[] = [];
  root: Process | undefined;
  #application: Application | undefined;
  readonly #unrest = new Unrest(this.clock);
  /** Random names of the product, by the order in which they came. */
  readonly #names = new Map<string, string>();
  readonly #stopListening: () => void;

  constructor(dice: Dice) {
    this.options = settings();
    this.#stopListening = this.system.on((event) => this.#record(event));
    this.thirdParty = new ThirdParty(this.clock, dice);
    this.roomLines = new SimulatedRooms(this.clock, dice, this.breach);
    this.disk = new SimulatedDisk({ clock: this.clock, dice, breach: this.breach });
    const claimant = simulatedProcess(GATEWAY, [GATEWAY, INTRUDER]);
    this.upstream = new Upstream(this.clock, dice, this.breach);
    const others = (label: string) => this.sourcesMade.filter((source) => source.label === label);
    const parts = { dice, ledger: this.ledger, breach: this.breach, others };
    this.tree = gatewayTree({
      options: this.options,
      system: this.system,
      sources: (url) => {
        if (url === 'push:') return pushSource(new URL(url));
        const source = new SimulatedSource(url, parts);
        this.sources.set(url, source);
        this.sourcesMade.push(source);
        this.onSource(source);
        return source;
      },
      archives: (id, record) => {
        const archive = new FolderArchive(id, record, { works: new JpegWorks(), disk: this.disk, claimant });
        this.archives.set(id, archive);
        return archive;
      },
      encode: this.ledger.encode,
      roomBackend: this.roomLines,
      sounds: soundLoader(this.clock, dice),
      random: dice.next,
      webhook: this.thirdParty.webhook,
      connector: this.upstream.connector,
    });
  }

  /** Whether an actor of this kind is alive. */
  readonly isAlive = (kind: string): boolean => {
    for (const process of this.system.processes) if (process.kind === kind && process.alive) return true;
    return false;
  };

  async start(): Promise<void> {
    this.#application = await startApplication('sluice', this.tree.root(this.listeners), this.system);
    this.root = this.system.root;
    await this.settle();
  }

  /** Every message delivered and every promise settled; no time passes. Microtasks are over before an immediate runs. */
  async settle(): Promise<void> {
    let rounds = 0;
    do {
      rounds += 1;
      this.#unrest.round(rounds);
      this.system.flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (!this.system.idle);
  }

  /** Time passes, in steps that are short beside every time limit here. */
  async pass(ms: number, each: () => void = () => {}): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.clock.advance(Math.min(left, STEP_MS));
      await this.settle();
      each();
    }
  }

  /** Begins something that the gateway answers later. */
  ask<A extends Ask, T>(ask: A, answer: Promise<T>, given: (value: T) => void): A {
    this.asks.push(ask);
    answer.then(
      (value) => {
        ask.answer = 'given';
        given(value);
        this.note(`  ${ask.label} was given`);
      },
      (error: unknown) => {
        ask.answer = 'refused';
        ask.code = error instanceof GatewayError ? error.code : 'unknown';
        if (!(error instanceof GatewayError)) this.breach(`I-quiet: ${ask.label} was refused with ${String(error)}`);
        this.note(`  ${ask.label} was refused: ${ask.code}`);
      },
    );
    return ask;
  }

  watchEnd(process: Process): void {
    const downs: ExitReason[] = [];
    this.watched.push({ process, aliveWhenSet: process.alive, downs });
    monitor(process.ref, ({ reason }) => downs.push(reason));
  }

  note(line: string): void {
    this.trace.push(this.named(line));
  }

  /** Random names replaced by the order in which they came, so that a run reads the same each time. */
  named(text: string): string {
    return text.replace(/anon-[\w-]{12}/g, (name) => {
      const known = this.#names.get(name) ?? `anon-${this.#names.size + 1}`;
      this.#names.set(name, known);
      return known;
    });
  }

  /** Stops the gateway as its host does: a drain first where there is time for one. */
  async stop(drainMs: number): Promise<void> {
    const drained = drainMs > 0 ? this.tree.live.drain(drainMs) : Promise.resolve();
    await this.#until(drained);
    if (this.#application) await this.#until(this.#application.stop({ timeoutMs: 20_000 }));
    this.tree.chronicle.close();
    this.#stopListening();
    // What is at the far ends, slow writes and slow closes, ends in its own time.
    await this.pass(60_000);
  }

  async #until(done: Promise<unknown>): Promise<void> {
    let over = false;
    void done.then(() => {
      over = true;
    });
    await this.settle();
    for (let waitedMs = 0; !over && waitedMs < 120_000; waitedMs += STEP_MS) await this.pass(STEP_MS);
    if (!over) this.breach('I-zero: the gateway did not stop within two minutes');
  }

  #record(event: KernelEvent): void {
    switch (event.type) {
      case 'process.down':
        if (event.process.kind === 'courier') this.couriersLost = true;
        if (event.process.path === 'sluice/core') this.coreEndedAtMs = this.clock.now();
        if (event.process.kind === 'services') this.desksBornAtMs = this.clock.now();
        this.note(`    ${event.process.path} ended: ${describeReason(event.reason)}`);
        if (event.reason instanceof Error && !event.reason.message.startsWith('simulated'))
          this.breach(`I-quiet: ${event.process.path} crashed: ${event.reason.stack}`);
        break;
      case 'process.abandoned':
        if (!this.mayLinger(event.process))
          this.breach(`I-own: ${event.process.path} was abandoned while it gave back what it held`);
        break;
      case 'process.threwLate':
        this.breach(`I-quiet: ${event.process.path} threw after its end: ${String(event.thrown)}`);
        break;
      case 'listener.failed':
        this.breach(`I-quiet: a listener failed: ${String(event.error)}`);
        break;
      case 'supervisor.gaveUp':
        this.note(`    ${event.supervisor.path} gave up`);
        break;
    }
  }
}

const STEP_MS = 500;
