/**
 * The crowd: clients who connect, come back, fall silent and leave, viewers, apps, and whoever pulls plugs. Each step is one
 * to three deeds; those of one step follow each other so closely that the gateway is still busy with the one before.
 */
import { exit } from '../../src/otp/signals.js';
import { AppUsers } from './app-users.js';
import { Borrowers } from './borrowers.js';
import { CameraLanes } from './camera-lanes.js';
import type { Dice } from './dice.js';
import { Installers } from './installers.js';
import { Publishers } from './publishers.js';
import { Readers } from './readers.js';
import { Recordings } from './recordings.js';
import { RemoteApps } from './remote-apps.js';
import { Stage } from './stage.js';
import { Talkers } from './talkers.js';
import { SimulatedUplinks } from './uplinks.js';
import { Viewers } from './viewers.js';
import { Visitors } from './visitors.js';
import { Workers } from './workers.js';
import type { World } from './world.js';

/**
 * What may be done, by what it is about, and how often beside the others. A seed is fonder of some subjects than of others,
 * so that whatever a subject needs comes together in some runs.
 */
const DEEDS = {
  visitors: {
    connect: 10,
    resume: 8,
    stale: 2,
    silence: 2,
    bye: 2,
    cancel: 6,
    halfClose: 3,
    fail: 3,
    deadline: 1,
  },
  viewers: { watch: 8, view: 3, snapshot: 2, leave: 4, disturb: 6 },
  publishers: { publisher: 3, pictures: 5, publisherLeaves: 2 },
  installers: { putUp: 1.5, takeAway: 1 },
  talkers: {
    ...{ enter: 8, join: 3, openStream: 4, talk: 8, hangUp: 4 },
    ...{ leaveRoom: 2, play: 3, stopPlay: 1.5, loseRoom: 1 },
  },
  uplinks: { wantUplink: 2, endUplink: 1.5, disturbUplink: 5, crashUplinks: 0.5 },
  apps: { app: 4, appMessage: 3, appCrash: 3, remoteApp: 4, remoteCrash: 4 },
  readers: { subscribe: 6, unsubscribe: 2, publish: 6 },
  workers: { register: 10, unregister: 2, call: 7, callOnce: 4 },
  borrowers: { borrow: 7, overLease: 4, giveBack: 4, shutChannel: 1, farEndDies: 2 },
  recordings: { diskTrouble: 4, replay: 3, download: 1, wouldBeFound: 0.8, intrude: 0.6 },
  trouble: { kill: 7, killBranch: 0.7, act: 2, monitor: 4 },
  time: { wait: 16, leap: 3 },
} as const;

type Subject = keyof typeof DEEDS;
type Deed = { [S in Subject]: keyof (typeof DEEDS)[S] }[Subject];

/** There is no gateway without these. */
const ALWAYS: ReadonlySet<Subject> = new Set(['visitors', 'trouble', 'time']);

/** How often each deed is done in this run. */
function weightsOf(dice: Dice): Readonly<Record<Deed, number>> {
  const weights: Record<string, number> = {};
  for (const [subject, deeds] of Object.entries(DEEDS)) {
    const fondness = ALWAYS.has(subject as Subject) ? 1 : (dice.pick([0.1, 1, 1, 3]) ?? 1);
    for (const [deed, weight] of Object.entries(deeds)) weights[deed] = weight * fondness;
  }
  return weights as Record<Deed, number>;
}

/** Who is killed, and how often beside the others. */
const VICTIMS = {
  client: 6,
  stream: 6,
  session: 2,
  camera: 3,
  recorder: 3,
  participant: 2,
  room: 1,
  uplink: 1.5,
  'client-manager': 3,
  topics: 1,
  services: 1.5,
  calls: 2,
  channels: 1,
  courier: 0.5,
  app: 2,
  supervisor: 1.5,
} as const;

/** What may wait for a recorder, and so for a disk. */
const LONG_MS = 30_000;

export class Crowd {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #stage: Stage;
  readonly #visitors: Visitors;
  readonly #publishers: Publishers;
  readonly #talkers: Talkers;
  readonly #weights: Readonly<Record<Deed, number>>;
  readonly #deeds: Readonly<Record<Deed, () => unknown>>;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    const stage = new Stage(world, dice);
    this.#stage = stage;
    this.#visitors = new Visitors(stage);
    this.#publishers = new Publishers(stage);
    this.#talkers = new Talkers(stage);
    this.#weights = weightsOf(dice);
    this.#deeds = this.#allDeeds(stage);
    new CameraLanes(world);
  }

  #allDeeds(stage: Stage): Readonly<Record<Deed, () => unknown>> {
    const visitors = this.#visitors;
    const publishers = this.#publishers;
    const talkers = this.#talkers;
    const viewers = new Viewers(stage);
    const installers = new Installers(stage);
    const apps = new AppUsers(stage);
    const remoteApps = new RemoteApps(stage, visitors);
    const readers = new Readers(stage);
    const workers = new Workers(stage);
    const borrowers = new Borrowers(stage);
    const uplinks = new SimulatedUplinks(stage);
    const recordings = new Recordings(stage);
    visitors.onMet = (connection) => {
      readers.met(connection);
      workers.met(connection);
    };
    return {
      connect: () => visitors.connect({ resumeToken: '' }),
      resume: () => visitors.resume(),
      stale: () => visitors.late(),
      silence: () => visitors.lose('silence'),
      bye: () => visitors.lose('bye'),
      cancel: () => visitors.lose('cancel'),
      halfClose: () => visitors.lose('halfClose'),
      fail: () => visitors.lose('fail'),
      deadline: () => visitors.lose('deadline'),
      watch: () => viewers.watch(),
      view: () => viewers.view(),
      snapshot: () => viewers.snapshot(),
      leave: () => viewers.leave(),
      disturb: () => viewers.disturb(),
      publisher: () => publishers.come(),
      pictures: () => publishers.push(),
      publisherLeaves: () => publishers.leave(),
      putUp: () => installers.putUp(),
      takeAway: () => installers.takeAway(),
      enter: () => talkers.join(true),
      join: () => talkers.join(false),
      openStream: () => talkers.open(),
      talk: () => talkers.talk(),
      hangUp: () => talkers.hangUp(),
      leaveRoom: () => talkers.leave(),
      play: () => talkers.play(),
      stopPlay: () => talkers.stopPlay(),
      loseRoom: () => talkers.loseRoom(),
      wantUplink: () => uplinks.begin(),
      endUplink: () => uplinks.end(),
      disturbUplink: () => uplinks.disturb(),
      crashUplinks: () => uplinks.crash(),
      app: () => apps.start(),
      appMessage: () => apps.message(),
      appCrash: () => apps.crash(),
      remoteApp: () => remoteApps.start(),
      remoteCrash: () => remoteApps.crash(),
      subscribe: () => readers.subscribe(),
      unsubscribe: () => readers.unsubscribe(),
      publish: () => readers.publish(),
      register: () => workers.register(),
      unregister: () => workers.unregister(),
      call: () => workers.call(),
      callOnce: () => workers.callOnce(),
      borrow: () => borrowers.borrow(),
      overLease: () => borrowers.call(),
      giveBack: () => borrowers.giveBack(),
      shutChannel: () => borrowers.shut(),
      farEndDies: () => borrowers.die(),
      diskTrouble: () => recordings.diskTrouble(),
      replay: () => recordings.play(),
      download: () => recordings.download(),
      intrude: () => recordings.intrude(),
      wouldBeFound: () => recordings.wouldBeFound(),
      kill: () => this.#kill(),
      killBranch: () => this.#killBranch(),
      act: () => this.#act(),
      monitor: () => this.#monitor(),
      wait: () => this.#wait(this.#dice.chance(0.2) ? this.#dice.int(20_000, 90_000) : this.#dice.int(1, 6_000)),
      leap: () => this.#leap(this.#dice.int(1, 1_900)),
    };
  }

  /** One step; resolves when everything is at rest again. */
  async step(): Promise<void> {
    const deeds = this.#dice.chance(0.3) ? this.#dice.int(2, 3) : 1;
    this.#stage.calm = deeds === 1;
    for (let done = 0; done < deeds; done += 1) {
      await this.#deeds[this.#dice.weighted(this.#weights)]();
      for (let turn = deeds > 1 ? this.#dice.int(0, 8) : 0; turn > 0; turn -= 1) await Promise.resolve();
    }
    await this.#world.settle();
    this.#visitors.tokens.stepped(deeds);
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

  /** One of the supervisors that always stand: what was under it gives back in its own time, and is started anew at once. */
  #killBranch(): void {
    const branches = [...this.#world.system.processes].filter(
      ({ kind, alive, parent }) => kind === 'supervisor' && alive && parent === this.#world.root,
    );
    const branch = this.#dice.pick(branches);
    if (!branch) return;
    this.#stage.note(`${branch.path} is killed`);
    exit(branch.ref, 'kill');
  }

  #act(): void {
    const process = this.#dice.pick([...this.#world.system.processes].filter((one) => one.alive && one.parent?.parent));
    const action = this.#dice.pick(['stop', 'kill', 'restart'] as const);
    if (!process || !action) return;
    // One that is told to end takes nothing more, as one that has ended.
    if (process.kind === 'courier') this.#world.couriersLost = true;
    const ask = { ...this.#stage.newAsk(`act-${action}`), patienceMs: LONG_MS };
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
    await this.#world.pass(ms, () => {
      this.#visitors.beat();
      this.#publishers.beat();
      this.#talkers.beat();
    });
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
