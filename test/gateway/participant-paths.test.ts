/** A user in a room along every path of `machines/participant.ts`: the real actor, with a real stream, in a real room. */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type ParticipantContext, participantMachine } from '../../machines/participant.js';
import { configure } from '../../src/configuration.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import { roomLogic } from '../../src/gateway/room.js';
import { Participant, participantLogic } from '../../src/gateway/room-participant.js';
import { AudioStream } from '../../src/gateway/room-stream.js';
import { streamInput, streamLogic } from '../../src/gateway/stream.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';
import { EarWire } from './audio-town.js';
import { HeldBackend, heldRoom } from './paths/held-room.js';
import { isDelay, type ModelEvent } from './paths/model.js';
import { type Cause, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const ATTACH_MS = 1_000;
const error = new Error('connection reset');

class ParticipantSubject extends Subject {
  readonly #backend = new HeldBackend();
  readonly #room = heldRoom(this.#backend);
  readonly #participant: Participant;
  readonly #lefts: ExitReason[] = [];
  readonly #wire = new EarWire();
  #stream: AudioStream | undefined;

  constructor() {
    super();
    this.start(roomLogic, { id: 'room', input: { room: this.#room }, body: this.#room });
    this.system.flush();
    this.#participant = new Participant({
      request: { userId: 'ann', roomName: 'hall', token: '', roomUrl: '', targetIdentity: '' },
      room: this.#room,
      attachMs: ATTACH_MS,
      onEntered: () => {},
      onLeft: (_one, reason) => this.#lefts.push(reason),
    });
    const { input } = this.#participant;
    this.walksAs(this.start(participantLogic, { id: 'user', input, body: this.#participant }));
  }

  protected override causeOf({ type, reason }: ModelEvent): Cause | undefined {
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'stream.attached':
        return this.is({ alive: 'attaching' }) ? () => this.#open() : undefined;
      case 'stream.closed':
        return this.is({ alive: 'attached' }) ? () => this.#break() : undefined;
      case 'user.left':
      case 'user.superseded':
        return () => this.#participant.send({ type });
      case 'room.lost':
        return () => this.#participant.send({ type, reason: reason as ExitReason });
      default:
        return undefined;
    }
  }

  override check({ status, context }: AnyMachineSnapshot): void {
    const { reason } = context as ParticipantContext;
    const gone = status === 'done';
    expect((this.snapshot.context as ParticipantContext).reason).toEqual(reason);
    expect(this.#room.members.has(this.#participant), 'in the room').toBe(!gone);
    expect(this.#backend.ears.has(this.#participant), 'heard and hearing').toBe(!gone);
    expect(this.system.census.count('participant'), 'places held').toBe(gone ? 0 : 1);
    expect(this.#lefts, 'told that it has left').toEqual(gone ? [reason] : []);
    expect(this.#wire.ends, 'ends of its stream').toHaveLength(gone && this.#stream ? 1 : 0);
    expect(this.process.exit).toEqual(gone ? reason : undefined);
  }

  override async end(): Promise<void> {
    const ended = super.end();
    this.#backend.finish();
    await ended;
  }

  #open(): void {
    const { session, stream } = configure({}) as GatewayOptions;
    const options = { session: { ...session, inactivityMs: 1e8, heartbeatMs: 1e8 }, stream };
    const parts = { participant: this.#participant, wire: this.#wire, options, encode: () => Buffer.alloc(5) };
    this.#stream = new AudioStream({ ...parts, note: () => {} });
    this.start(streamLogic, { id: 'audio', input: streamInput(stream), body: this.#stream });
    this.#participant.take(this.#stream);
    this.#stream.begin();
  }

  /** Its stream fails; the session is gone before anybody has been told. */
  #break(): void {
    this.#stream?.failed(error);
    expect(this.#room.members.size, 'in the room').toBe(0);
    this.system.flush();
  }
}

walkEveryPath('a user in a room', {
  machine: participantMachine,
  size: { states: 8, moves: 11 },
  input: { attachMs: ATTACH_MS },
  events: [
    { type: 'stream.attached' },
    { type: 'stream.closed', reason: error },
    { type: 'user.left' },
    { type: 'user.superseded' },
    { type: 'room.lost', reason: { shutdown: 'room_lost' } },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: () => new ParticipantSubject(),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
