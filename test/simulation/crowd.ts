/**
 * The crowd: clients who connect, come back, fall silent and leave, viewers, apps, and whoever pulls plugs. Each step is one
 * to three deeds; those of one step follow each other so closely that the gateway is still busy with the one before.
 */
import { exit } from '../../src/otp/signals.js';
import { AppUsers } from './app-users.js';
import { Borrowers } from './borrowers.js';
import type { Dice } from './dice.js';
import { Readers } from './readers.js';
import { RemoteApps } from './remote-apps.js';
import { Stage } from './stage.js';
import { Viewers } from './viewers.js';
import { Visitors } from './visitors.js';
import { Workers } from './workers.js';
import type { World } from './world.js';

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
  remoteApp: 4,
  remoteCrash: 4,
  subscribe: 6,
  unsubscribe: 2,
  publish: 6,
  register: 10,
  unregister: 2,
  call: 7,
  callOnce: 4,
  borrow: 7,
  overLease: 4,
  giveBack: 4,
  shutChannel: 1,
  farEndDies: 2,
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
  topics: 1,
  services: 1.5,
  calls: 2,
  channels: 1,
  courier: 0.5,
  app: 2,
  supervisor: 1.5,
} as const;

type Deed = keyof typeof DEEDS;

export class Crowd {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #stage: Stage;
  readonly #visitors: Visitors;
  readonly #viewers: Viewers;
  readonly #apps: AppUsers;
  readonly #remoteApps: RemoteApps;
  readonly #readers: Readers;
  readonly #workers: Workers;
  readonly #borrowers: Borrowers;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    this.#stage = new Stage(world, dice);
    this.#visitors = new Visitors(this.#stage);
    this.#viewers = new Viewers(this.#stage);
    this.#apps = new AppUsers(this.#stage);
    this.#remoteApps = new RemoteApps(this.#stage, this.#visitors);
    this.#readers = new Readers(this.#stage);
    this.#workers = new Workers(this.#stage);
    this.#borrowers = new Borrowers(this.#stage);
    this.#visitors.onMet = (connection) => {
      this.#readers.met(connection);
      this.#workers.met(connection);
    };
  }

  /** One step; resolves when everything is at rest again. */
  async step(): Promise<void> {
    const deeds = this.#dice.chance(0.3) ? this.#dice.int(2, 3) : 1;
    this.#stage.calm = deeds === 1;
    for (let done = 0; done < deeds; done += 1) {
      await this.#do(this.#dice.weighted(DEEDS));
      for (let turn = deeds > 1 ? this.#dice.int(0, 8) : 0; turn > 0; turn -= 1) await Promise.resolve();
    }
    await this.#world.settle();
    this.#visitors.tokens.stepped(deeds);
  }

  async #do(deed: Deed): Promise<void> {
    switch (deed) {
      case 'connect':
        return void this.#visitors.connect({ resumeToken: '' });
      case 'resume':
        return this.#visitors.resume();
      case 'stale':
        return this.#visitors.late();
      case 'watch':
        return this.#viewers.watch();
      case 'view':
        return this.#viewers.view();
      case 'snapshot':
        return this.#viewers.snapshot();
      case 'silence':
      case 'bye':
      case 'cancel':
      case 'halfClose':
      case 'fail':
      case 'deadline':
        return this.#visitors.lose(deed);
      case 'leave':
        return this.#viewers.leave();
      case 'disturb':
        return this.#viewers.disturb();
      case 'app':
        return this.#apps.start();
      case 'appMessage':
        return this.#apps.message();
      case 'appCrash':
        return this.#apps.crash();
      case 'remoteApp':
        return this.#remoteApps.start();
      case 'remoteCrash':
        return this.#remoteApps.crash();
      case 'subscribe':
        return this.#readers.subscribe();
      case 'unsubscribe':
        return this.#readers.unsubscribe();
      case 'publish':
        return this.#readers.publish();
      case 'register':
        return this.#workers.register();
      case 'unregister':
        return this.#workers.unregister();
      case 'call':
        return this.#workers.call();
      case 'callOnce':
        return this.#workers.callOnce();
      case 'borrow':
        return this.#borrowers.borrow();
      case 'overLease':
        return this.#borrowers.call();
      case 'giveBack':
        return this.#borrowers.giveBack();
      case 'shutChannel':
        return this.#borrowers.shut();
      case 'farEndDies':
        return this.#borrowers.die();
      case 'kill':
        return this.#kill();
      case 'act':
        return this.#act();
      case 'monitor':
        return this.#monitor();
      case 'wait':
        return this.#wait(this.#dice.chance(0.2) ? this.#dice.int(20_000, 90_000) : this.#dice.int(1, 6_000));
      case 'leap':
        return this.#leap(this.#dice.int(1, 1_900));
    }
  }

  // Whoever pulls plugs

  #kill(): void {
    const kind = this.#dice.weighted(VICTIMS);
    const process = this.#dice.pick(
      [...this.#world.system.processes].filter((one) => one.kind === kind && one.alive && one.parent),
    );
    if (!process) return;
    const crash = this.#dice.chance(0.4);
    this.#stage.note(`${process.path} is ${crash ? 'crashed' : 'killed'}`);
    if (crash) process.crash(new Error('simulated: a crash'));
    else exit(process.ref, 'kill');
  }

  #act(): void {
    const process = this.#dice.pick([...this.#world.system.processes].filter((one) => one.alive && one.parent?.parent));
    const action = this.#dice.pick(['stop', 'kill', 'restart'] as const);
    if (!process || !action) return;
    const ask = this.#stage.newAsk(`act-${action}`);
    this.#stage.note(`${ask.label} on ${process.path}`);
    this.#world.ask(ask, this.#world.tree.live.act(process.path, action), () => {});
  }

  #monitor(): void {
    const process = this.#dice.pick([...this.#world.system.processes]);
    if (!process) return;
    this.#stage.note(`${process.path} is monitored`);
    this.#world.watchEnd(process);
  }

  // Time

  async #wait(ms: number): Promise<void> {
    this.#stage.note(`${ms} ms pass`);
    await this.#world.pass(ms, () => this.#visitors.beat());
  }

  /**
   * The process was held up: all that was due in the meantime comes at once. Less than what lies between the longest close and
   * the patience with it, for on the real clock a promise would be heard between two timers.
   */
  async #leap(ms: number): Promise<void> {
    this.#stage.note(`${ms} ms are lost`);
    this.#world.clock.advance(ms);
    await this.#world.settle();
  }
}
