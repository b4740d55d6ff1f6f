/**
 * All rooms by name, and all users in them by their id. A user is in one room at most: who joins again replaces itself, is
 * told so where it was, and has gone from there before it is anywhere else. Joins and leaves of one user take their turn.
 */
import type { AnyActorRef } from 'xstate';
import { describeReason, type ExitReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import { GatewayError } from './gateway-error.js';
import { checkName } from './hello.js';
import type { GatewayOptions } from './options.js';
import type { RoomBackend } from './room-backend.js';
import { RoomHistory } from './room-history.js';
import { Participant } from './room-participant.js';
import type { Play } from './room-play.js';
import { Plays } from './room-plays.js';
import { checkGiven, noSession } from './room-refusals.js';
import type { SoundLoader } from './room-sound.js';
import { type AudioNote, AudioStream } from './room-stream.js';
import { RoomTable } from './room-table.js';
import type {
  AudioEncoder,
  AudioHealth,
  AudioRooms,
  AudioWire,
  Joined,
  JoinRequest,
  PlayRequest,
  PlayWire,
  StopRequest,
  UserStatus,
} from './room-transport.js';
import type { StreamBody } from './stream.js';
import type { RoomNote, RoomView } from './views.js';

export interface RoomsParts {
  readonly options: GatewayOptions;
  readonly backend: RoomBackend;
  readonly encode: AudioEncoder;
  readonly load: SoundLoader;
  /** The supervisor of rooms that is alive now. */
  readonly supervisor: () => AnyActorRef | undefined;
  readonly clock: { now(): number; wallMs(): number };
  /** What happened, for the chronicle. */
  readonly note: RoomNote;
}

/** How often a join may find its room closing before it is told to come back later. */
const TRIES_MAX = 100;
/** Ends of a stream after which it has to be said that its session was taken away. */
const BROKEN: ReadonlySet<AudioNote> = new Set(['audio.failed', 'audio.sendFailed', 'audio.timedOut']);

export class Rooms implements AudioRooms {
  readonly #parts: RoomsParts;
  readonly #rooms: RoomTable;
  readonly #users = new Map<string, Participant>();
  readonly #streams = new Set<AudioStream>();
  readonly #plays: Plays;
  readonly #history = new RoomHistory();
  /** The last of the joins and leaves of each user that are not over. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #startedAtMs: number;
  #draining = false;

  constructor(parts: RoomsParts) {
    this.#parts = parts;
    this.#rooms = new RoomTable(parts);
    this.#plays = new Plays({ ...parts, present: (userId) => this.#users.get(userId) });
    this.#startedAtMs = parts.clock.now();
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Users in rooms. */
  get users(): number {
    return this.#users.size;
  }

  /** Every open call of a user: audio, and what is played. */
  *streams(): Generator<StreamBody> {
    yield* this.#streams;
    yield* this.#plays.open;
  }

  get openStreams(): number {
    return this.#streams.size + this.#plays.open.size;
  }

  views(): readonly RoomView[] {
    return this.#rooms.views();
  }

  /** Nobody comes in any more, and who is in is told to go. May be called again for those who were just coming. */
  undrain(): void {
    this.#draining = false;
  }

  drain(): void {
    this.#draining = true;
    const reason = { shutdown: 'drain' };
    for (const { process } of this.#users.values()) {
      process.system.post(process.ref, { type: 'supervisor.stop', reason } as never);
    }
  }

  join(request: JoinRequest): Promise<Joined> {
    this.#refuseWhileDraining();
    checkGiven('user_id', request.userId);
    checkGiven('room_name', request.roomName);
    checkName('target_identity', request.targetIdentity);
    return this.#inTurn(request.userId, async () => {
      await gone(this.#users.get(request.userId), (before) => before.send({ type: 'user.superseded' }));
      const { participantId, room } = await this.#enter(request);
      return { participantId, participants: room.members.size, room: room.name, backend: this.#parts.backend.kind };
    });
  }

  leave(userId: string, reason: string): Promise<void> {
    checkGiven('user_id', userId);
    return this.#inTurn(userId, async () => {
      const participant = this.#present(userId);
      await gone(participant, () => {
        participant.farewell = reason;
        participant.send({ type: 'user.left' });
      });
    });
  }

  play(request: PlayRequest, wire: PlayWire): Promise<Play> {
    this.#refuseWhileDraining();
    return this.#plays.play(request, wire);
  }

  stopPlay(request: StopRequest): string {
    return this.#plays.stop(request);
  }

  async stream(userId: string, wire: AudioWire): Promise<AudioStream> {
    this.#refuseWhileDraining();
    checkGiven('user_id', userId);
    const participant = this.#present(userId);
    const { options, encode } = this.#parts;
    const stream = new AudioStream({ participant, wire, options, encode, note: this.#noteStream });
    if (!(await participant.room.startStream(stream))) throw noSession(userId);
    this.#streams.add(stream);
    stream.process.scope.acquire('stream_entry', () => void this.#streams.delete(stream));
    if (!participant.present) {
      stream.send({ type: 'owner.lost', reason: { shutdown: 'superseded' } });
      throw noSession(userId);
    }
    participant.take(stream);
    stream.begin();
    return stream;
  }

  status(userId: string): UserStatus {
    const participant = this.#users.get(userId);
    return {
      joined: participant && {
        participantId: participant.participantId,
        participants: participant.room.members.size,
      },
      lastDisconnect: this.#history.of(userId),
    };
  }

  health(): AudioHealth {
    return {
      serving: !this.#draining,
      sessions: this.#users.size,
      streams: this.#streams.size,
      rooms: this.#rooms.size,
      plays: this.#plays.open.size,
      uptimeSeconds: (this.#parts.clock.now() - this.#startedAtMs) / 1_000,
    };
  }

  async #enter(request: JoinRequest): Promise<Participant> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      this.#refuseWhileDraining();
      const room = await this.#rooms.open(request);
      const { clients } = this.#parts.options.limits;
      if (this.#users.size >= clients) {
        throw new GatewayError('max_clients_reached', `max_clients_reached: ${clients} users in rooms at most`);
      }
      if (!room) continue;
      const participant = new Participant({
        request,
        room,
        attachMs: this.#parts.options.session.attachMs,
        onEntered: (one) => {
          this.#users.set(one.userId, one);
          this.#note('room.joined', one);
        },
        onLeft: this.#left,
      });
      if (await room.admit(participant)) return participant;
    }
    throw new GatewayError('superseded', `superseded: room "${request.roomName}" opens and closes`, {
      retryAfterMs: 1_000,
    });
  }

  /** Once for each user who was in a room, in the step in which it is in it no more. */
  readonly #left = (participant: Participant, reason: ExitReason): void => {
    const { userId, farewell } = participant;
    if (this.#users.get(userId) === participant) this.#users.delete(userId);
    const word = wordOf(reason);
    this.#history.remember(userId, {
      atMs: Math.round(this.#parts.clock.wallMs()),
      reason: farewell !== '' ? farewell : word === 'bye' ? 'left' : word,
    });
    this.#note('room.left', participant, word);
  };

  readonly #noteStream = (
    type: AudioNote,
    { participant, process }: AudioStream,
    reason?: ExitReason,
    detail: Readonly<Record<string, unknown>> = {},
  ): void => {
    const about = { actor: process.path, kind: 'audio' };
    const who = { userId: participant.userId, room: participant.room.name };
    this.#parts.note(type, about, reason && describeReason(reason), { ...who, ...detail });
    if (BROKEN.has(type)) this.#parts.note('room.cleanup', about, reason && describeReason(reason), who);
  };

  #note(type: string, { process, userId, room }: Participant, reason?: string): void {
    this.#parts.note(type, { actor: process.path, kind: 'participant' }, reason, {
      userId,
      room: room.name,
    });
  }

  #present(userId: string): Participant {
    const participant = this.#users.get(userId);
    if (!participant?.present) throw noSession(userId);
    return participant;
  }

  async #inTurn<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(userId);
    let over = (): void => {};
    const turn = new Promise<void>((resolve) => {
      over = resolve;
    });
    this.#turns.set(userId, turn);
    try {
      await before;
      return await work();
    } finally {
      over();
      if (this.#turns.get(userId) === turn) this.#turns.delete(userId);
    }
  }

  #refuseWhileDraining(): void {
    if (!this.#draining) return;
    throw new GatewayError('draining', 'draining: this gateway is going away', { retryAfterMs: 1_000 });
  }
}

/** Asks the user to go and resolves when it has gone; at once where there is none. */
async function gone(participant: Participant | undefined, ask: (participant: Participant) => void): Promise<void> {
  if (!participant?.process.alive) return;
  await new Promise<void>((resolve) => {
    monitor(participant.process.ref, () => resolve());
    ask(participant);
  });
}

/** A reason in one word where it has one. */
function wordOf(reason: ExitReason): string {
  if (typeof reason === 'object' && 'shutdown' in reason && typeof reason.shutdown === 'string') return reason.shutdown;
  return describeReason(reason);
}
