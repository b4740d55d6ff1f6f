/**
 * A room as a supervisor: the keeper, which is the chart of `machines/room.ts` over a backend; the users in it; their audio
 * streams, and what they play. The keeper is significant: the room ends with it, and nothing in it outlives it.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { type RoomEvent, roomMachine } from '../../machines/room.js';
import type { StartContext } from '../otp/child-spec.js';
import type { ExitReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import type { Process, ProcessBody } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import { supervisor } from '../otp/supervisor.js';
import { startChild } from '../otp/supervisor-api.js';
import { bodyOf } from './body.js';
import type { RoomBackend, RoomLink, RoomRequest } from './room-backend.js';
import { type Participant, participantLogic } from './room-participant.js';
import { type StreamBody, streamInput, streamLogic } from './stream.js';
import { stateOf } from './structure.js';
import type { Turn } from './turn.js';
import type { RoomView } from './views.js';

/** How long a user or a stream of a room may take to end when it is asked to. */
const SHUTDOWN_MS = 2_000;
/** How long a backend may take to open or to close a room. */
const BACKEND_OPEN_MS = 10_000;
const BACKEND_CLOSE_MS = 5_000;
const LOST: ExitReason = { shutdown: 'room_lost' };

export interface RoomParts {
  readonly request: RoomRequest;
  readonly backend: RoomBackend;
  /** A room of this name that there was before may still be giving its line back. */
  readonly turn: Turn;
  readonly attachMs: number;
  readonly sendTimeoutMs: number;
  /** Opened; closed, and why; and what else is to be told. */
  readonly note: (type: string, room: Room, reason?: ExitReason) => void;
  /** The room is gone. */
  readonly onEnd: (room: Room) => void;
}

export class Room implements ProcessBody {
  readonly keeper = new Keeper(this);
  readonly parts: RoomParts;
  /** Who hears and is heard. Who leaves is out at once, even while its actor still ends. */
  readonly members = new Set<Participant>();
  /** Resolves when its start is over, however it went. */
  begun: Promise<void> = Promise.resolve();
  #process: Process | undefined;
  #lastStream = 0;

  constructor(parts: RoomParts) {
    this.parts = parts;
  }

  attach(process: Process): void {
    this.#process = process;
    process.scope.acquire('room_entry', () => {
      if (!this.keeper.begun) this.parts.turn.end();
      this.parts.onEnd(this);
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  get name(): string {
    return this.parts.request.name;
  }

  /** Users may come in, now or when it has opened. */
  get accepting(): boolean {
    return this.#process?.alive === true && this.keeper.accepting;
  }

  /** Starts a user in it. False when the room is closing. */
  async admit(participant: Participant): Promise<boolean> {
    return this.#start(`user:${participant.userId}`, ({ spawn }) => {
      const ref = spawn(participantLogic, participant.input, participant);
      this.keeper.entered(participant);
      return ref;
    });
  }

  /** Starts a stream of a user in it. False when the room is closing. */
  async startStream(body: StreamBody): Promise<boolean> {
    this.#lastStream += 1;
    // Audio that is late is worth nothing: a stream that stalls is not kept.
    const input = streamInput({ sendTimeoutMs: this.parts.sendTimeoutMs, stallMs: 0 });
    return this.#start(`${body.kind}:${this.#lastStream}`, ({ spawn }) => spawn(streamLogic, input, body));
  }

  async #start(id: string, begin: (context: StartContext) => AnyActorRef): Promise<boolean> {
    if (!this.accepting) return false;
    // It may be closing by the time its supervisor comes to it: then its line is closed, and nobody enters it any more.
    const start = (context: StartContext) => (this.accepting ? begin(context) : 'ignore');
    const spec = { id, restart: 'temporary', shutdown: SHUTDOWN_MS, start } as const;
    const answer = await startChild(this.process.ref, spec).catch((error: unknown) => ({ error }));
    return 'ok' in answer && answer.ok !== undefined;
  }

  view(): RoomView {
    const users = [...this.members].map((participant) => participant.view());
    return {
      id: this.name,
      state: this.keeper.state,
      backend: this.parts.backend.kind,
      participants: users.length,
      users,
    };
  }
}

/** The body of a room's chart. */
export class Keeper implements ProcessBody {
  /** Whose actors live. */
  readonly present = new Set<Participant>();
  /** Resolves when users may come in; rejects when the room ends before. */
  readonly opened: Promise<void>;
  readonly #room: Room;
  #settle: { resolve(): void; reject(error: Error): void } | undefined;
  #process: Process | undefined;
  #link: RoomLink | undefined;
  #held: Held | undefined;
  #error: Error | undefined;

  constructor(room: Room) {
    this.#room = room;
    this.opened = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever waits hears of it; when nobody does, it is no unhandled rejection.
    this.opened.catch(() => {});
  }

  attach(process: Process): void {
    this.#process = process;
    // Behind everything else that it holds.
    process.scope.acquire('room_turn', () => this.#room.parts.turn.end());
    // Before anything is given back: whoever is in a room that is dead is reached by nobody.
    process.scope.signal.addEventListener('abort', () => this.#tellUsers(LOST), { once: true });
    process.scope.acquire('room_wait', () => {
      this.#settle?.reject(this.#error ?? new Error('the room was closed before it had opened'));
    });
  }

  get begun(): boolean {
    return this.#process !== undefined;
  }

  get state(): string {
    // One that was killed may still be closing its line.
    if (this.#process?.alive === false) return 'closing';
    return this.#process ? stateOf(this.#process).replace('alive.', '') : 'opening';
  }

  get accepting(): boolean {
    return this.#process === undefined || (this.#process.alive && this.state !== 'closing' && this.state !== 'closed');
  }

  get link(): RoomLink {
    return this.#link as RoomLink;
  }

  /** Somebody is in the room until it has ended. */
  entered(participant: Participant): void {
    this.present.add(participant);
    monitor(participant.process.ref, () => {
      this.present.delete(participant);
      if (this.present.size === 0) this.#send({ type: 'room.vacated' });
    });
    this.#send({ type: 'room.entered' });
  }

  openBackend(): void {
    const { backend, request, turn } = this.#room.parts;
    const process = this.#process as Process;
    const tell = (event: RoomEvent): void => process.system.post(process.ref, event);
    const open = (): RoomLink => {
      this.#link = backend.open(request, {
        opened: () => tell({ type: 'backend.opened' }),
        failed: (error) => {
          this.#error = error;
          tell({ type: 'backend.failed', error } as RoomEvent);
        },
      });
      return this.#link;
    };
    const link = turn.open(open);
    this.#held = process.scope.acquire('room_link', () => link.close());
  }

  welcomeUsers(): void {
    this.#room.parts.note('room.opened', this.#room);
    this.#settle?.resolve();
  }

  dismissUsers(reason: ExitReason): void {
    this.#room.parts.note('room.closed', this.#room, reason);
    this.#tellUsers(reason);
  }

  #tellUsers(reason: ExitReason): void {
    for (const participant of [...this.present]) participant.send({ type: 'room.lost', reason });
  }

  /** `backend.closed` follows when all is given back. */
  closeBackend(): void {
    const closed = (): void => (this.#process as Process).system.post(this.#ref, { type: 'backend.closed' });
    if (this.#held) void this.#room.parts.turn.closing(this.#held.release()).then(closed);
    else closed();
  }

  get #ref(): AnyActorRef {
    return (this.#process as Process).ref;
  }

  #send(event: RoomEvent): void {
    if (this.#process?.alive) this.#process.ref.send(event);
  }
}

export const keeperLogic = roomMachine.provide({
  actions: {
    openBackend: ({ self }) => bodyOf<Keeper>(self).openBackend(),
    welcomeUsers: ({ self }) => bodyOf<Keeper>(self).welcomeUsers(),
    dismissUsers: ({ context, self }) => bodyOf<Keeper>(self).dismissUsers(context.reason),
    closeBackend: ({ self }) => bodyOf<Keeper>(self).closeBackend(),
  },
});

export const roomLogic: AnyActorLogic = supervisor<{ readonly room: Room }>(({ room }) => ({
  autoShutdown: 'any_significant',
  parallelStop: true,
  children: [
    {
      id: 'keeper',
      restart: 'temporary',
      significant: true,
      shutdown: BACKEND_CLOSE_MS + 1_000,
      start: ({ spawn }) => spawn(keeperLogic, roomInput(room), room.keeper),
    },
  ],
}));

function roomInput({ parts: { attachMs } }: Room) {
  return { openMs: BACKEND_OPEN_MS, vacantMs: attachMs, closeMs: BACKEND_CLOSE_MS };
}
