/** All rooms by name, and how one begins: for the first who joins. A room that is closing is waited for, and a fresh one begun. */
import type { AnyActorRef } from 'xstate';
import { describeReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import { startChild } from '../otp/supervisor-api.js';
import { GatewayError } from './gateway-error.js';
import type { GatewayOptions } from './options.js';
import { Room, roomLogic } from './room.js';
import type { RoomBackend, RoomRequest } from './room-backend.js';
import type { JoinRequest } from './room-transport.js';
import { Turn } from './turn.js';
import type { RoomNote, RoomView } from './views.js';

export interface RoomTableParts {
  readonly options: GatewayOptions;
  readonly backend: RoomBackend;
  readonly supervisor: () => AnyActorRef | undefined;
  readonly note: RoomNote;
}

export class RoomTable {
  readonly #parts: RoomTableParts;
  readonly #byName = new Map<string, Room>();
  /** Whose turn it is with the line of a room, from its start until it has given it back. */
  readonly #turns = new Map<string, Turn>();

  constructor(parts: RoomTableParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byName.size;
  }

  views(): readonly RoomView[] {
    return [...this.#byName.values()].map((room) => room.view());
  }

  /**
   * The open room of this name, begun if need be; `undefined` when it was closing, and has closed by now. Rejects with
   * `channel_failed` when its backend does not open it.
   */
  async open({ roomName, roomUrl, token }: JoinRequest): Promise<Room | undefined> {
    const present = this.#byName.get(roomName);
    if (present?.process && !present.accepting) {
      await ended(present);
      return undefined;
    }
    const room = present ?? this.#begin({ name: roomName, url: roomUrl, token });
    await room.begun;
    // It was not even started: its supervisor is ending.
    if (!room.process) return undefined;
    await room.keeper.opened.catch((error: Error) => {
      throw new GatewayError('channel_failed', `channel_failed: room "${roomName}": ${error.message}`, {
        cause: error,
      });
    });
    return room;
  }

  #begin(request: RoomRequest): Room {
    const { options, backend, supervisor, note } = this.#parts;
    const parent = supervisor();
    if (!parent) throw new GatewayError('draining', 'draining: the rooms are restarting', { retryAfterMs: 100 });
    const turn = new Turn(this.#turns.get(request.name));
    this.#turns.set(request.name, turn);
    turn.whenOver(() => this.#turns.get(request.name) === turn && this.#turns.delete(request.name));
    const room: Room = new Room({
      request,
      backend,
      turn,
      attachMs: options.session.attachMs,
      sendTimeoutMs: options.stream.sendTimeoutMs,
      note: (type, { process }, reason) =>
        note(type, { actor: process.path, kind: 'room' }, reason && describeReason(reason), { room: request.name }),
      onEnd: (ended) => this.#forget(ended),
    });
    this.#byName.set(request.name, room);
    room.begun = startChild(parent, {
      id: `room:${request.name}`,
      type: 'supervisor',
      restart: 'temporary',
      start: ({ spawn }) => spawn(roomLogic, { room }, room),
    })
      .catch((error: unknown) => ({ error }))
      .then(({ error }) => {
        if (!error) return;
        if (!room.process) turn.end();
        this.#forget(room);
      });
    return room;
  }

  #forget(room: Room): void {
    if (this.#byName.get(room.name) === room) this.#byName.delete(room.name);
  }
}

function ended({ process }: Room): Promise<void> {
  return new Promise((resolve) => void monitor(process.ref, () => resolve()));
}
