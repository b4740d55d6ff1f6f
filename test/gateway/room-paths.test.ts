/** A room along every path of `machines/room.ts`: the real keeper over a backend that opens and closes when the walk says so. */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type RoomContext, roomMachine } from '../../machines/room.js';
import { keeperLogic, type Room } from '../../src/gateway/room.js';
import { Participant, participantLogic } from '../../src/gateway/room-participant.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { HeldBackend, heldRoom } from './paths/held-room.js';
import { isDelay, type ModelEvent, nameOf } from './paths/model.js';
import { type Cause, NEVER_MS, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const error = new Error('the backend is gone');

class RoomSubject extends Subject {
  readonly #backend = new HeldBackend();
  readonly #room: Room = heldRoom(this.#backend);
  #user: Process | undefined;
  #users = 0;

  /** Each time is out of reach, unless the way leads through it. */
  constructor(way: readonly ModelEvent[]) {
    super();
    const names = new Set(way.map(nameOf));
    const reached = (ms: number, name: string) => (names.has(name) ? ms : NEVER_MS);
    const input = {
      openMs: reached(500, 'after openTimeout'),
      vacantMs: reached(2_000, 'after vacantTimeout'),
      closeMs: reached(4_000, 'after closeTimeout'),
    };
    this.walksAs(this.start(keeperLogic, { id: 'keeper', input, body: this.#room.keeper }));
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    const { listener } = this.#backend;
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'backend.opened':
        return () => this.#told(() => listener?.opened());
      case 'backend.failed':
        return () => this.#told(() => listener?.failed(error));
      case 'backend.closed':
        return this.is('closing') ? () => this.#finish() : undefined;
      case 'room.entered':
        return this.is({ alive: 'vacant' }) ? () => this.#enter() : undefined;
      case 'room.vacated':
        return this.is({ alive: 'occupied' }) ? () => this.#leave() : undefined;
      default:
        return undefined;
    }
  }

  override check({ status, value, context }: AnyMachineSnapshot): void {
    const { reason } = context as RoomContext;
    expect((this.snapshot.context as RoomContext).reason).toEqual(reason);
    expect(this.#backend.opened, 'times that the backend was opened').toBe(1);
    if (value === 'closing' || status === 'done') expect(this.#room.members.size, 'users in it').toBe(0);
    expect(this.process.exit).toEqual(status === 'done' ? reason : undefined);
  }

  override async end(): Promise<void> {
    const ended = super.end();
    this.#backend.finish();
    await ended;
  }

  override checkEnd(): void {
    expect(this.#backend.closed, 'times that the backend was closed').toBe(1);
  }

  #told(what: () => void): void {
    what();
    this.system.flush();
  }

  #enter(): void {
    this.#users += 1;
    const participant = new Participant({
      request: { userId: `u${this.#users}`, roomName: 'hall', token: '', roomUrl: '', targetIdentity: '' },
      room: this.#room,
      attachMs: NEVER_MS,
      onEntered: () => {},
      onLeft: () => {},
    });
    this.#user = this.start(participantLogic, { id: `u${this.#users}`, input: participant.input, body: participant });
    this.#room.keeper.entered(participant);
  }

  #leave(): void {
    exit((this.#user as Process).ref, 'kill');
    this.system.flush();
  }

  #finish(): Promise<void> {
    this.#backend.finish();
    return this.settled();
  }
}

walkEveryPath('a room', {
  machine: roomMachine,
  size: { states: 11, moves: 19 },
  input: { openMs: 500, vacantMs: 2_000, closeMs: 4_000 },
  events: [
    { type: 'backend.opened' },
    { type: 'backend.failed', error },
    { type: 'backend.closed' },
    { type: 'room.entered' },
    { type: 'room.vacated' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: (way) => new RoomSubject(way),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
