/**
 * What carries the audio of the simulated rooms: the embedded relay behind a door of the simulation. A room opens at once or
 * late, is refused, hangs, or is lost while users are in it, and takes its time to close. What the relay is given to carry,
 * and to whom it hands it, is noted for those who check.
 */
import {
  EmbeddedRooms,
  type RoomBackend,
  type RoomEar,
  type RoomLink,
  type RoomListener,
  type RoomRequest,
} from '../../src/gateway/room-backend.js';
import { encodeChunk } from '../../src/grpc/audio-service.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';
import type { Breach } from './wires.js';

const CLOSE_MS_MAX = 3_000;

export interface Line {
  readonly name: string;
  /** Who is in it, as the backend knows. */
  readonly ears: ReadonlyMap<RoomEar, RoomEar>;
  readonly listener: RoomListener;
}

export class SimulatedRooms implements RoomBackend {
  readonly kind = 'simulated';
  /** Lines that are not given back. */
  readonly lines = new Set<Line>();
  /** Chunks handed to somebody, by participant. */
  readonly handed = new Map<string, number>();
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #breach: Breach;
  readonly #relay = new EmbeddedRooms(encodeChunk);

  constructor(clock: Clock, dice: Dice, breach: Breach) {
    this.#clock = clock;
    this.#dice = dice;
    this.#breach = breach;
  }

  open(request: RoomRequest, listener: RoomListener): RoomLink {
    for (const { name } of this.lines)
      if (name === request.name) this.#breach(`I-attempt: room "${name}" was opened while it was open`);
    const relay = this.#relay.open(request, { opened: () => {}, failed: () => {} });
    const ears = new Map<RoomEar, RoomEar>();
    const line: Line = { name: request.name, ears, listener };
    this.lines.add(line);
    const how = this.#dice.weighted({ opens: 8, refuses: 1, hangs: 0.5 });
    const afterMs = this.#dice.chance(0.5) ? 0 : this.#dice.int(1, 4_000);
    const answer = () => (how === 'opens' ? listener.opened() : listener.failed(new Error('simulated: no such room')));
    const timer = how === 'hangs' ? undefined : this.#clock.setTimeout(answer, afterMs);
    const closeMs = this.#dice.chance(0.5) ? 0 : this.#dice.int(1, CLOSE_MS_MAX);
    return {
      enter: (ear) => this.#enter(line, ears, relay, ear),
      say: (from, content) => {
        const known = ears.get(from);
        if (!this.lines.has(line))
          this.#breach(`I-zombie: ${from.userId} speaks in room "${line.name}", which is closed`);
        if (known) relay.say(known, content);
        else this.#breach(`I-zombie: ${from.userId} speaks in room "${line.name}" and is not in it`);
      },
      close: () => {
        this.#clock.clearTimeout(timer);
        const gone = (): void => {
          if (!this.lines.delete(line)) this.#breach(`I-teardown: room "${line.name}" was given back twice`);
        };
        if (closeMs === 0) return gone();
        return new Promise<void>((resolve) => {
          this.#clock.setTimeout(() => {
            gone();
            resolve();
          }, closeMs);
        });
      },
    };
  }

  /** A room is lost, or the news of it comes late. */
  lose(): string | undefined {
    const line = this.#dice.pick([...this.lines]);
    line?.listener.failed(new Error('simulated: the room is lost'));
    return line?.name;
  }

  #enter(line: Line, ears: Map<RoomEar, RoomEar>, relay: RoomLink, ear: RoomEar): () => void {
    const { userId, participantId, hearsOnly } = ear;
    const noted: RoomEar = {
      userId,
      participantId,
      hearsOnly,
      hear: (chunk) => {
        this.handed.set(participantId, (this.handed.get(participantId) ?? 0) + 1);
        ear.hear(chunk);
      },
    };
    if (!this.lines.has(line)) this.#breach(`I-zombie: ${userId} enters room "${line.name}", which is closed`);
    ears.set(ear, noted);
    const leave = relay.enter(noted);
    return () => {
      leave();
      ears.delete(ear);
    };
  }
}
