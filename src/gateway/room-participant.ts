/**
 * A user in a room as an actor: the chart of `machines/participant.ts`, its place in the room and in the table of users, its
 * stream, and what it plays. All of it goes in one step, whatever the reason, and whether the chart decides it, the stream
 * breaks under it, or somebody kills it.
 */
import { nanoid } from 'nanoid';
import { type ParticipantEvent, participantMachine } from '../../machines/participant.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process, ProcessBody } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import { bodyOf } from './body.js';
import type { Room } from './room.js';
import type { RoomEar, RoomLink } from './room-backend.js';
import type { Play } from './room-play.js';
import type { AudioStream } from './room-stream.js';
import type { AudioChunk, AudioContent, JoinRequest } from './room-transport.js';
import { stateOf } from './structure.js';
import type { ParticipantView } from './views.js';

export interface ParticipantParts {
  readonly request: JoinRequest;
  /** It is open. */
  readonly room: Room;
  readonly attachMs: number;
  /** It is in the room; and it no longer is, for this reason. Each is said once. */
  readonly onEntered: (participant: Participant) => void;
  readonly onLeft: (participant: Participant, reason: ExitReason) => void;
}

export class Participant implements ProcessBody, RoomEar {
  readonly participantId = `p-${nanoid(12)}`;
  /** What is asked for each chunk of sound is kept where it is found at once. */
  readonly userId: string;
  readonly hearsOnly: string;
  readonly room: Room;
  /** What it said why it left; empty when it did not. */
  farewell = '';
  readonly plays = new Set<Play>();
  readonly #parts: ParticipantParts;
  #process: Process | undefined;
  #stream: AudioStream | undefined;
  #link: RoomLink | undefined;
  #undo: (() => void) | undefined;
  #place: Held | undefined;
  #reason: ExitReason | undefined;
  #left = false;

  constructor(parts: ParticipantParts) {
    this.#parts = parts;
    this.room = parts.room;
    this.userId = parts.request.userId;
    this.hearsOnly = parts.request.targetIdentity;
  }

  attach(process: Process): void {
    this.#process = process;
    this.#link = this.room.keeper.link;
    this.#undo = this.#link.enter(this);
    this.#place = process.scope.acquire('participant', () => this.#leave(this.#reason ?? process.exit ?? 'shutdown'));
    this.room.members.add(this);
    this.#parts.onEntered(this);
  }

  get process(): Process {
    return this.#process as Process;
  }

  get input(): { readonly attachMs: number } {
    return this.#parts;
  }

  /** In the room: it may open its stream, be heard, and play. */
  get present(): boolean {
    return this.#process?.alive === true && !this.#left;
  }

  get stream(): AudioStream | undefined {
    return this.#stream;
  }

  send(event: ParticipantEvent): void {
    if (this.#process?.alive) this.#process.ref.send(event);
  }

  /** Its stream is this one now; one that it had before is told that it was replaced, and its end says nothing any more. */
  take(stream: AudioStream): void {
    const before = this.#stream;
    this.#stream = stream;
    before?.send({ type: 'owner.lost', reason: { shutdown: 'superseded' } });
    // It may have ended before it was ours; then that end was nobody's, and is told now.
    if (stream.alive) this.send({ type: 'stream.attached' });
    else this.streamClosed(stream, stream.process.exit ?? 'killed');
  }

  /** The same step in which a stream ends is the one in which its user is nowhere any more. */
  streamClosed(stream: AudioStream, reason: ExitReason): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#end(reason);
    const { system, ref } = this.process;
    // Both, since it may never have been told that it had one.
    system.post(ref, { type: 'stream.attached' });
    system.post(ref, { type: 'stream.closed', reason } as ParticipantEvent);
  }

  hear(chunk: AudioChunk): void {
    this.#stream?.hear(chunk);
  }

  say({ trackId, timestampMs, pcm, message }: Omit<AudioContent, 'userId'>): void {
    if (!this.#left) this.#link?.say(this, { userId: this.userId, trackId, timestampMs, pcm, message });
  }

  view(): ParticipantView {
    const figures = this.#stream?.figures();
    return {
      id: this.participantId,
      userId: this.userId,
      state: stateOf(this.process).replace('alive.', ''),
      queued: figures?.queued ?? 0,
      sent: figures?.sent ?? 0,
      drops: figures?.drops ?? 0,
      plays: this.plays.size,
    };
  }

  /** The effect of the chart. */
  leaveRoom(reason: ExitReason): void {
    this.#end(reason);
  }

  #end(reason: ExitReason): void {
    this.#reason ??= reason;
    void this.#place?.release();
  }

  #leave(reason: ExitReason): void {
    if (this.#left) return;
    this.#left = true;
    this.#undo?.();
    this.room.members.delete(this);
    this.#parts.onLeft(this, reason);
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.send({ type: 'owner.lost', reason });
    for (const play of [...this.plays]) play.ownerLeft(reason);
  }
}

export const participantLogic = participantMachine.provide({
  actions: {
    leaveRoom: ({ context, self }) => bodyOf<Participant>(self).leaveRoom(context.reason),
  },
});
