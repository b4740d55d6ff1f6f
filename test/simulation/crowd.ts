/**
 * The crowd: clients who connect, come back, fall silent and leave, viewers, apps, and whoever pulls plugs. Each step is one
 * to three deeds; those of one step follow each other so closely that the gateway is still busy with the one before.
 */
import type { AnyActorLogic } from 'xstate';
import type { Hello } from '../../src/gateway/transport.js';
import type { StartContext } from '../../src/otp/child-spec.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { exit } from '../../src/otp/signals.js';
import type { Dice } from './dice.js';
import { Tokens } from './tokens.js';
import { type Reading, SimulatedControl, SimulatedFrames } from './wires.js';
import type { Ask, Connection, Watch, World } from './world.js';

const NODES = ['ann', 'bob', 'cid', 'dan', 'eve'];
const CAMERAS = ['yard', 'gate', 'hall'];
const BEAT_MS = 5_000;

/** What may be done, and how often beside the others. */
const DEEDS = {
  connect: 10,
  resume: 8,
  stale: 2,
  watch: 8,
  view: 3,
  snapshot: 2,
  silence: 2,
  bye: 2,
  cancel: 6,
  halfClose: 3,
  fail: 3,
  deadline: 1,
  leave: 4,
  disturb: 6,
  app: 4,
  appMessage: 3,
  appCrash: 3,
  kill: 7,
  act: 2,
  monitor: 4,
  wait: 16,
  leap: 3,
} as const;

/** Who is killed, and how often beside the others. */
const VICTIMS = {
  client: 6,
  stream: 6,
  session: 2,
  camera: 3,
  'client-manager': 3,
  courier: 0.5,
  app: 2,
  supervisor: 1.5,
} as const;

type Deed = keyof typeof DEEDS;

export class Crowd {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #tokens: Tokens;
  #asked = 0;
  #ordinal = 0;
  #lastBeatMs = 0;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    this.#tokens = new Tokens(world);
  }

  /** One step; resolves when everything is at rest again. */
  async step(): Promise<void> {
    const deeds = this.#dice.chance(0.3) ? this.#dice.int(2, 3) : 1;
    for (let done = 0; done < deeds; done += 1) {
      await this.#do(this.#dice.weighted(DEEDS));
      for (let turn = deeds > 1 ? this.#dice.int(0, 8) : 0; turn > 0; turn -= 1) await Promise.resolve();
    }
    await this.#world.settle();
    this.#tokens.stepped(deeds);
  }

  async #do(deed: Deed): Promise<void> {
    switch (deed) {
      case 'connect':
        return this.#connect({ resumeToken: '' });
      case 'resume':
        return this.#resume();
      case 'stale':
        return this.#connect({ resumeToken: this.#anyToken(), ordinal: this.#dice.int(0, this.#ordinal) });
      case 'watch':
        return this.#watch();
      case 'view':
        return this.#view();
      case 'snapshot':
        return this.#snapshot();
      case 'silence':
      case 'bye':
      case 'cancel':
      case 'halfClose':
      case 'fail':
      case 'deadline':
        return this.#lose(deed);
      case 'leave':
        return this.#leave();
      case 'disturb':
        return this.#disturb();
      case 'app':
        return this.#startApp();
      case 'appMessage':
        return this.#toApp();
      case 'appCrash':
        return this.#crashApp();
      case 'kill':
        return this.#kill();
      case 'act':
        return this.#act();
      case 'monitor':
        return this.#monitor();
      case 'wait':
        return this.#wait(this.#dice.chance(0.2) ? this.#dice.int(20_000, 90_000) : this.#dice.int(1, 6_000));
      case 'leap':
        return this.#leap(this.#dice.int(1, 2_500));
    }
  }

  // Clients

  #connect(more: Partial<Hello>): void {
    const nodeId = more.nodeId ?? this.#dice.pick(NODES) ?? '';
    const ordinal = this.#dice.chance(0.5) ? 0 : this.#nextOrdinal();
    const endpoint = this.#dice.chance(0.3) ? (this.#dice.pick(['east', 'west']) ?? '') : '';
    const hello: Hello = { ...HELLO, nodeId, ordinal, endpoint, ...more };
    const ask = this.#newAsk(`hello-${nodeId}`);
    const wire = new SimulatedControl(ask.label, this.#world.breach, this.#reading(), this.#world.clock);
    const connection: Connection = { ...ask, hello, wire, silent: this.#dice.chance(0.15), control: undefined };
    const token = hello.resumeToken === '' ? '' : ' with a token';
    this.#note(`${ask.label} says hello${token}, ordinal ${hello.ordinal}`);
    this.#world.connections.push(connection);
    this.#tokens.said(connection);
    this.#world.ask(connection, this.#world.tree.live.connect(hello, wire), (control) => {
      connection.control = control as Connection['control'];
    });
  }

  #resume(): void {
    const nodeId = this.#dice.pick(NODES) ?? '';
    const latest = this.#world.connections.findLast(({ hello, wire }) => hello.nodeId === nodeId && wire.welcome);
    if (latest?.wire.welcome) this.#connect({ nodeId, resumeToken: latest.wire.welcome.resumeToken });
    else this.#connect({ nodeId, resumeToken: '' });
  }

  #anyToken(): string {
    const welcomed = this.#world.connections.filter(({ wire }) => wire.welcome);
    return this.#dice.pick(welcomed)?.wire.welcome?.resumeToken ?? 'never issued';
  }

  #nextOrdinal(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  #lose(how: 'silence' | 'bye' | 'cancel' | 'halfClose' | 'fail' | 'deadline'): void {
    const connection = this.#dice.pick(this.#world.connections.filter(({ control }) => control));
    const control = connection?.control;
    if (!connection || !control) return;
    // Most are still there; a report of one that has ended must do nothing.
    if (connection.wire.ended !== undefined && this.#dice.chance(0.8)) return;
    this.#note(`${connection.label}: ${how}`);
    if (how === 'silence') connection.silent = true;
    else if (how === 'bye') control.bye('simulated');
    else if (how === 'cancel') control.peerCancelled();
    else if (how === 'halfClose') control.peerHalfClosed();
    else if (how === 'deadline') control.deadlineExceeded();
    else control.failed(new Error('simulated: connection reset'));
  }

  #beat(): void {
    const { connections, clock } = this.#world;
    if (clock.now() - this.#lastBeatMs < BEAT_MS) return;
    this.#lastBeatMs = clock.now();
    for (const { silent, control, wire } of connections)
      if (!silent && wire.ended === undefined) control?.heartbeat(clock.now());
  }

  // Viewers

  #watch(): void {
    const nodeId = this.#dice.chance(0.25) ? undefined : (this.#dice.pick([...NODES, 'fay']) ?? '');
    const ask = this.#newAsk(`watch-${nodeId ?? 'nobody'}`);
    const watch = this.#newWatch(ask);
    const request = this.#request();
    this.#note(`${ask.label} watches ${request.cameraId}`);
    this.#world.ask(watch, this.#world.tree.live.watch(request, nodeId, watch.wire), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
    });
  }

  #view(): void {
    const ask = this.#newAsk('view');
    const watch = this.#newWatch(ask);
    const request = this.#request();
    this.#note(`${ask.label} views ${request.cameraId}`);
    this.#world.ask(watch, this.#world.tree.live.view(request, watch.wire), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
    });
  }

  #newWatch(ask: Ask): Watch {
    const wire = new SimulatedFrames(ask.label, this.#world.breach, this.#reading(), this.#world.clock);
    const watch: Watch = { ...ask, wire, stream: undefined };
    this.#world.watches.push(watch);
    return watch;
  }

  #reading(): Reading {
    const kind = this.#dice.weighted({ 'at once': 4, 'in a moment': 3, slowly: 4, never: 2, 'until it breaks': 1 });
    if (kind === 'slowly') return { kind, ms: this.#dice.int(10, 4_000) };
    if (kind === 'until it breaks') return { kind, writes: this.#dice.int(1, 10) };
    return { kind };
  }

  #request(): { readonly cameraId: string; readonly overflow: string; readonly maxFps: number } {
    const overflow = this.#dice.weighted({
      '': 4,
      drop_oldest: 1,
      drop_newest: 1,
      latest: 1,
      block: 0.3,
      disconnect: 1,
    });
    return { cameraId: this.#dice.pick(CAMERAS) ?? '', overflow, maxFps: this.#dice.chance(0.2) ? 1 : 0 };
  }

  #snapshot(): void {
    const cameraId = this.#dice.pick(CAMERAS) ?? '';
    const ask = this.#newAsk(`snapshot-${cameraId}`);
    this.#note(`${ask.label} is asked for`);
    const timeoutMs = this.#dice.int(1, 8_000);
    const answer = async () => this.#world.tree.live.snapshot(cameraId, timeoutMs);
    this.#world.ask(ask, answer(), () => {});
  }

  #leave(): void {
    const watch = this.#dice.pick(this.#world.watches.filter(({ stream }) => stream?.alive));
    if (!watch?.stream) return;
    const how = this.#dice.weighted({ cancel: 4, halfClose: 2, fail: 1, deadline: 1 });
    this.#note(`${watch.label}: ${how}`);
    if (how === 'cancel') watch.stream.peerCancelled();
    else if (how === 'halfClose') watch.stream.peerHalfClosed();
    else if (how === 'deadline') watch.stream.deadlineExceeded();
    else watch.stream.failed(new Error('simulated: connection reset'));
  }

  #disturb(): void {
    const what = this.#dice.weighted({ burst: 6, freeze: 1, fail: 2 });
    const source = this.#dice.pick([...this.#world.sources.values()]);
    this.#note(`${source?.label}: ${what}`);
    source?.disturb(what);
  }

  // Apps

  #startApp(): void {
    const session = this.#dice.pick([...this.#world.tree.sessions.all()].filter(({ alive }) => alive));
    if (!session) return;
    const packageName = this.#dice.pick(['lamp', 'radio']) ?? '';
    const ask = this.#newAsk(`app-${packageName}-${session.nodeId}`);
    this.#note(`${ask.label} is started`);
    const spec = {
      packageName,
      child: ({ spawn }: StartContext) => {
        if (!session.connected) this.#world.breach(`I-no-resurrection: ${ask.label} was started without its owner`);
        return spawn(appLogic);
      },
    };
    this.#world.ask(ask, session.apps.start(spec), () => {});
  }

  #toApp(): void {
    const session = this.#dice.pick([...this.#world.tree.sessions.all()]);
    const app = this.#dice.pick(session?.apps.all() ?? []);
    if (!session || !app) return;
    const wasThere = session.connected;
    this.#note(`a message for ${app.spec.packageName} of ${session.nodeId}`);
    const answer = session.apps.send(app.spec.packageName, 'topic', Buffer.from('hello'));
    if (!wasThere && (answer.sent || answer.resurrectionTriggered))
      this.#world.breach(`I-no-resurrection: ${JSON.stringify(answer)} for an owner who is not there`);
  }

  #crashApp(): void {
    const apps = [...this.#world.system.processes].filter(({ id, alive }) => alive && id.startsWith('run:'));
    const app = this.#dice.pick(apps);
    if (!app) return;
    this.#note(`${app.path} crashes`);
    app.crash(new Error('simulated: an app that crashes'));
  }

  // Whoever pulls plugs

  #kill(): void {
    const kind = this.#dice.weighted(VICTIMS);
    const process = this.#dice.pick(
      [...this.#world.system.processes].filter((one) => one.kind === kind && one.alive && one.parent),
    );
    if (!process) return;
    const crash = this.#dice.chance(0.4);
    this.#note(`${process.path} is ${crash ? 'crashed' : 'killed'}`);
    if (crash) process.crash(new Error('simulated: a crash'));
    else exit(process.ref, 'kill');
  }

  #act(): void {
    const process = this.#dice.pick([...this.#world.system.processes].filter((one) => one.alive && one.parent?.parent));
    const action = this.#dice.pick(['stop', 'kill', 'restart'] as const);
    if (!process || !action) return;
    const ask = this.#newAsk(`act-${action}`);
    this.#note(`${ask.label} on ${process.path}`);
    this.#world.ask(ask, this.#world.tree.live.act(process.path, action), () => {});
  }

  #monitor(): void {
    const process = this.#dice.pick([...this.#world.system.processes]);
    if (!process) return;
    this.#note(`${process.path} is monitored`);
    this.#world.watchEnd(process);
  }

  // Time

  async #wait(ms: number): Promise<void> {
    this.#note(`${ms} ms pass`);
    await this.#world.pass(ms, () => this.#beat());
  }

  /** The process was held up: all that was due in the meantime comes at once. */
  #leap(ms: number): void {
    this.#note(`${ms} ms are lost`);
    this.#world.clock.advance(ms);
  }

  #newAsk(what: string): Ask {
    this.#asked += 1;
    return { label: `${what}#${this.#asked}`, atMs: this.#world.clock.now(), answer: 'none', code: undefined };
  }

  #note(line: string): void {
    this.#world.note(`${(this.#world.clock.now() / 1_000).toFixed(1)} s  ${line}`);
  }
}

const HELLO: Hello = {
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

/** An app in this process, which does nothing. */
const appLogic: AnyActorLogic = fromProcess(() => ({}), { kind: 'simulated-app' });
