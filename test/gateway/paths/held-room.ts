/** A backend of rooms that opens, fails and closes when the test says so, and a room over it without anybody who watches. */
import { Room } from '../../../src/gateway/room.js';
import {
  EmbeddedRooms,
  type RoomBackend,
  type RoomEar,
  type RoomLink,
  type RoomListener,
  type RoomRequest,
} from '../../../src/gateway/room-backend.js';
import { Turn } from '../../../src/gateway/turn.js';

export class HeldBackend implements RoomBackend {
  readonly kind = 'held';
  listener: RoomListener | undefined;
  /** Who hears. */
  readonly ears = new Set<RoomEar>();
  opened = 0;
  closed = 0;
  /** Users who came in after it was closed. */
  late = 0;
  #finish: () => void = () => {};

  open(request: RoomRequest, listener: RoomListener): RoomLink {
    this.opened += 1;
    this.listener = listener;
    const silent = { opened: () => {}, failed: () => {} };
    let closed = false;
    const relay = new EmbeddedRooms(() => Buffer.alloc(5)).open(request, silent);
    return {
      enter: (ear) => {
        if (closed) this.late += 1;
        const leave = relay.enter(ear);
        this.ears.add(ear);
        return () => {
          leave();
          this.ears.delete(ear);
        };
      },
      say: (from, content) => relay.say(from, content),
      close: () => {
        this.closed += 1;
        closed = true;
        return new Promise((resolve) => {
          this.#finish = resolve;
        });
      },
    };
  }

  /** The room is given back. */
  finish(): void {
    this.#finish();
  }
}

export function heldRoom(backend: HeldBackend): Room {
  return new Room({
    turn: new Turn(),
    request: { name: 'hall', url: '', token: '' },
    backend,
    attachMs: 30_000,
    sendTimeoutMs: 2_000,
    note: () => {},
    onEnd: () => {},
  });
}
