/**
 * Users in rooms: they join, open their stream, talk, beat or fall silent, play to each other, and leave in every way there
 * is; rooms are lost under them.
 */
import type { AudioStream } from '../../src/gateway/room-stream.js';
import type { AudioHandle } from '../../src/gateway/room-transport.js';
import { SimulatedEar, SimulatedPlay } from './audio-wires.js';
import { RoomRules } from './room-rules.js';
import { SOUNDS } from './sounds.js';
import type { Stage } from './stage.js';
import type { Watch } from './world.js';

export const USERS = ['una', 'vic', 'wim', 'xia'];
const ROOMS = ['den', 'loft'];
const BEAT_MS = 5_000;
/** A join may wait for a room to close, and for its backend to open it, and for joins of the same user before. */
const JOIN_PATIENCE_MS = 90_000;

export interface Talker {
  readonly watch: Watch;
  readonly wire: SimulatedEar;
  readonly userId: string;
  handle: (AudioHandle & AudioStream) | undefined;
  silent: boolean;
  saidAtMs: number;
  /** It has left in a way that takes no time. */
  left: boolean;
}

export class Talkers {
  readonly #stage: Stage;
  readonly #rules: RoomRules;
  readonly #talkers: Talker[] = [];
  readonly #plays: { readonly watch: Watch; readonly userId: string }[] = [];
  #lastBeatMs = 0;
  #said = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#rules = new RoomRules(stage.world, this.#talkers, this.#plays);
  }

  join(andOpen: boolean): void {
    const { dice, world } = this.#stage;
    const userId = dice.pick(USERS) ?? '';
    const roomName = dice.pick(ROOMS) ?? '';
    const targetIdentity = dice.chance(0.2) ? (dice.pick(USERS) ?? '') : '';
    const ask = { ...this.#stage.newAsk(`join-${userId}`), patienceMs: JOIN_PATIENCE_MS };
    this.#stage.note(`${ask.label} for ${roomName}`);
    const request = { userId, roomName, token: '', roomUrl: '', targetIdentity };
    const joining = (async () => world.tree.rooms.join(request))();
    world.ask(ask, joining, () => {
      if (andOpen) this.open(userId);
    });
  }

  open(userId = this.#stage.dice.pick(USERS) ?? ''): void {
    const { dice, world } = this.#stage;
    const ask = this.#stage.newAsk(`stream-${userId}`);
    const wire = new SimulatedEar(ask.label, world.breach, this.#stage.reading(), world.clock);
    wire.userId = userId;
    wire.maxAgeMs = world.options.stream.maxAgeMs;
    const watch: Watch = { ...ask, wire, stream: undefined };
    const talker: Talker = {
      ...{ watch, wire, userId, handle: undefined },
      silent: dice.chance(0.15),
      saidAtMs: world.clock.now(),
      left: false,
    };
    world.watches.push(watch);
    this.#stage.note(`${ask.label} is opened`);
    world.ask(watch, world.tree.rooms.stream(userId, wire), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
      talker.handle = stream as Talker['handle'];
      wire.waiting = () => talker.handle?.figures().queued ?? 0;
      talker.saidAtMs = world.clock.now();
      this.#talkers.push(talker);
    });
  }

  talk(): void {
    const { dice } = this.#stage;
    const talker = dice.pick(this.#open());
    if (!talker) return;
    const chunks = dice.chance(0.2) ? 30 : dice.int(1, 5);
    this.#stage.note(`${talker.watch.label} says ${chunks} chunks`);
    for (let chunk = 0; chunk < chunks; chunk += 1) this.#say(talker);
    if (this.#stage.calm) this.#rules.heard(talker.userId, this.#said);
  }

  #say(talker: Talker): void {
    this.#said += 1;
    const pcm = Buffer.alloc(64);
    pcm.writeUInt32LE(this.#said, 0);
    const timestampMs = this.#stage.world.clock.now();
    talker.saidAtMs = timestampMs;
    talker.handle?.said({ trackId: 0, timestampMs, pcm });
  }

  /** Time passes: who is not silent beats, and some talk. */
  beat(): void {
    const { clock } = this.#stage.world;
    const due = clock.now() - this.#lastBeatMs >= BEAT_MS;
    if (due) this.#lastBeatMs = clock.now();
    for (const talker of this.#open()) {
      if (talker.silent) continue;
      if (this.#stage.dice.chance(0.2)) this.#say(talker);
      else if (due) {
        talker.saidAtMs = clock.now();
        talker.handle?.said({ trackId: 0, timestampMs: clock.now(), pcm: Buffer.alloc(0) });
      }
    }
  }

  hangUp(): void {
    const { dice } = this.#stage;
    const talker = dice.pick(this.#talkers.filter(({ wire }) => wire.ended === undefined || dice.chance(0.05)));
    if (!talker?.handle) return;
    const how = dice.weighted({ cancel: 3, halfClose: 3, fail: 2, deadline: 1, silence: 1 });
    this.#stage.note(`${talker.watch.label}: ${how}`);
    if (how === 'silence') talker.silent = true;
    else talker.left = true;
    if (how === 'halfClose') talker.handle.peerHalfClosed();
    else if (how === 'cancel') talker.handle.peerCancelled();
    else if (how === 'deadline') talker.handle.deadlineExceeded();
    else if (how === 'fail') talker.handle.failed(new Error('simulated: connection reset'));
  }

  leave(): void {
    const userId = this.#stage.dice.pick(USERS) ?? '';
    const ask = { ...this.#stage.newAsk(`leave-${userId}`), patienceMs: JOIN_PATIENCE_MS };
    this.#stage.note(`${ask.label}`);
    this.#stage.world.ask(ask, (async () => this.#stage.world.tree.rooms.leave(userId, 'simulated'))(), () => {});
  }

  play(): void {
    const { dice, world } = this.#stage;
    const userId = dice.pick(USERS) ?? '';
    const ask = this.#stage.newAsk(`play-${userId}`);
    const wire = new SimulatedPlay(ask.label, world.breach, this.#stage.reading(), world.clock);
    const watch: Watch = { ...ask, wire, stream: undefined };
    world.watches.push(watch);
    const url = dice.pick(SOUNDS) ?? 'short';
    this.#stage.note(`${ask.label} plays ${url}`);
    const request = {
      requestId: ask.label,
      userId,
      url,
      volume: 0,
      stopOther: dice.chance(0.2),
      trackId: dice.int(1, 2),
    };
    world.ask(watch, (async () => world.tree.rooms.play(request, wire))(), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
      this.#plays.push({ watch, userId });
    });
  }

  /** By its user, or by whoever asked for it. */
  stopPlay(): void {
    const { dice, world } = this.#stage;
    const play = dice.pick(this.#plays.filter(({ watch }) => watch.stream?.alive));
    if (!play) return;
    this.#stage.note(`${play.watch.label} is stopped`);
    if (dice.chance(0.4)) play.watch.stream?.peerCancelled();
    else {
      const request = { userId: play.userId, requestId: '', trackId: -1 };
      const ask = this.#stage.newAsk(`stop-${play.userId}`);
      world.ask(ask, (async () => world.tree.rooms.stopPlay(request))(), () => {});
    }
  }

  loseRoom(): void {
    const name = this.#stage.world.roomLines.lose();
    if (name !== undefined) this.#stage.note(`room ${name} is lost`);
  }

  #open(): Talker[] {
    return this.#talkers.filter(({ wire, left }) => wire.ended === undefined && !left);
  }
}
