/**
 * Rooms held against what users did: nobody is there whom nobody can reach, nothing waits for the dead, all figures agree,
 * what is handed to a user is written, waits or is counted as lost, and who reads at once has heard what was said.
 */
import { AUDIO_QUEUE } from './limits.js';
import type { Talker } from './talkers.js';
import type { Watch, World } from './world.js';

interface Played {
  readonly watch: Watch;
  readonly userId: string;
}

interface Account {
  readonly known: number;
  readonly due: number;
}

const OPEN_MS = 10_000;
const CLOSE_MS = 5_000;

type Faults = Generator<string>;

export class RoomRules {
  readonly #world: World;
  readonly #talkers: readonly Talker[];
  readonly #plays: readonly Played[];
  /** Since when a room or a participant is seen in its state. */
  readonly #since = new Map<unknown, { readonly state: string; readonly atMs: number }>();
  readonly #accounts = new Map<Talker, Account>();

  constructor(world: World, talkers: readonly Talker[], plays: readonly Played[]) {
    this.#world = world;
    this.#talkers = talkers;
    this.#plays = plays;
    world.checks.push(
      () => this.#places(),
      () => this.#figures(),
      () => this.#streams(),
    );
    world.lastChecks.push(() => this.#leftBehind());
  }

  /** This was said, and nothing else happens: who is in the room and reads at once has it, and nobody else. */
  heard(speaker: string, number: number): void {
    const rooms = this.#world.tree.rooms.views();
    const room = rooms.find(({ users }) => users.some(({ userId }) => userId === speaker));
    for (const { handle, wire, userId } of this.#talkers) {
      if (!handle?.alive || userId === speaker || wire.ended !== undefined) continue;
      const { hearsOnly, participantId } = handle.participant;
      const has = wire.heard.has(`${speaker}/${number}`);
      const there = room?.users.some(({ id, state }) => id === participantId && state === 'attached') ?? false;
      const wants = hearsOnly === '' || hearsOnly === speaker;
      if (has && (!there || !wants)) this.#world.breach(`I-room: ${wire.label} hears ${speaker}, who is elsewhere`);
      if (!has && there && wants && wire.readsAtOnce && wire.inHand === 0)
        this.#world.breach(`I-room: ${wire.label} reads at once and did not hear ${speaker}`);
    }
  }

  *#places(): Faults {
    const { tree, options, roomLines, system } = this.#world;
    const streams = tree.live.streams();
    const seen = new Set<string>();
    for (const { id, state, users } of tree.rooms.views()) {
      const process = [...system.processes].find(({ path }) => path === `sluice/rooms/room:${id}`);
      const inStateMs = this.#inStateMs(process, state);
      if (state === 'occupied' && users.length === 0) yield `I-zombie: room "${id}" is occupied by nobody`;
      if (state === 'vacant' && inStateMs > options.session.attachMs) yield `I-zombie: room "${id}" waits for nobody`;
      if (state === 'opening' && inStateMs > OPEN_MS) yield `I-zombie: room "${id}" opens for ${inStateMs} ms`;
      if (state === 'closing' && inStateMs > CLOSE_MS) yield `I-zombie: room "${id}" closes for ${inStateMs} ms`;
      if (state === 'closing' && users.length > 0)
        yield `I-zombie: room "${id}" is closing and has ${users.length} users`;
      const lines = [...roomLines.lines].filter(({ name }) => name === id);
      const ears = lines.flatMap((line) => [...line.ears.keys()].map(({ participantId }) => participantId));
      if (
        ears.toSorted().join() !==
        users
          .map((user) => user.id)
          .toSorted()
          .join()
      )
        yield `I-zombie: in room "${id}" are ${users.map(({ userId }) => userId)}, and ${ears.length} hear`;
      for (const { id: participant, userId, state: how } of users) {
        if (seen.has(userId)) yield `I-room: ${userId} is in two places`;
        seen.add(userId);
        const open = streams.filter(({ kind, nodeId }) => kind === 'audio' && nodeId === userId).length;
        const waitsMs = this.#inStateMs(participant, how);
        if (how === 'attached' && open !== 1) yield `I-zombie: ${userId} is attached with ${open} streams`;
        if (how === 'attaching' && waitsMs > options.session.attachMs)
          yield `I-zombie: ${userId} never opens its stream`;
      }
    }
    const names = new Set(tree.rooms.views().map(({ id }) => id));
    for (const { name, ears } of roomLines.lines)
      if (ears.size > 0 && !names.has(name)) yield `I-zombie: ${ears.size} users hear in room "${name}", which is gone`;
    for (const { watch, userId } of this.#plays)
      if (watch.stream?.alive && !seen.has(userId)) yield `I-zombie: ${watch.label} goes on, its user has left`;
  }

  #inStateMs(who: unknown, state: string): number {
    const nowMs = this.#world.clock.now();
    const known = this.#since.get(who);
    if (known?.state === state) return nowMs - known.atMs;
    this.#since.set(who, { state, atMs: nowMs });
    return 0;
  }

  *#figures(): Faults {
    const { rooms, live } = this.#world.tree;
    const views = rooms.views();
    const users = views.flatMap((view) => view.users);
    const health = rooms.health();
    const audio = live.streams().filter(({ kind }) => kind === 'audio').length;
    if (health.sessions !== users.length) yield `I-count: ${health.sessions} sessions, ${users.length} users in rooms`;
    if (health.streams !== audio) yield `I-count: ${health.streams} streams are told, ${audio} are open`;
    for (const { id, participants, users: those } of views) {
      if (participants !== those.length) yield `I-count: room "${id}" tells ${participants} of ${those.length}`;
      for (const { userId } of those) {
        const told = rooms.status(userId).joined?.participants;
        if (told !== those.length) yield `I-count: ${userId} is told of ${told} participants of ${those.length}`;
      }
    }
  }

  *#streams(): Faults {
    const { options, clock, roomLines } = this.#world;
    for (const talker of this.#talkers) {
      const { handle, wire, left, saidAtMs } = talker;
      if (!handle?.alive) {
        this.#accounts.delete(talker);
        continue;
      }
      if (left) yield `I-teardown: ${wire.label} has left and lives`;
      const { queued, sent, drops } = handle.figures();
      if (sent !== wire.completed) yield `I-account: ${wire.label} sent ${sent}, its wire took ${wire.completed}`;
      if (queued > AUDIO_QUEUE) yield `I-bound: ${queued} wait for ${wire.label}`;
      if (queued > 0 && wire.inHand === 0)
        yield `I-account: ${queued} wait for ${wire.label}, nothing is being written`;
      const handed = roomLines.handed.get(handle.participant.participantId) ?? 0;
      const now = { known: sent + queued + drops + wire.inHand, due: handed + wire.beats };
      const before = this.#accounts.get(talker);
      this.#accounts.set(talker, now);
      if (before && now.known - before.known !== now.due - before.due)
        yield `I-account: ${wire.label} was handed ${now.due - before.due}, and accounts for ${now.known - before.known}`;
      const hangsMs = clock.now() - wire.writingSinceMs;
      if (wire.inHand > 0 && hangsMs > options.stream.sendTimeoutMs)
        yield `I-stall: ${wire.label} takes nothing for ${hangsMs} ms and lives`;
      const silentMs = clock.now() - saidAtMs;
      if (silentMs > options.session.inactivityMs) yield `I-zombie: ${wire.label} has been silent for ${silentMs} ms`;
    }
  }

  *#leftBehind(): Faults {
    for (const { name } of this.#world.roomLines.lines) yield `I-zero: room "${name}" was never given back`;
    if (this.#world.tree.rooms.size > 0) yield `I-zero: ${this.#world.tree.rooms.size} rooms are left`;
  }
}
