/** What users play to each other: who may, how much at once, and what gives way to what. */
import { nanoid } from 'nanoid';
import { GatewayError } from './gateway-error.js';
import { checkName } from './hello.js';
import type { GatewayOptions } from './options.js';
import type { Participant } from './room-participant.js';
import { Play } from './room-play.js';
import { checkGiven, invalid, noSession } from './room-refusals.js';
import type { SoundLoader } from './room-sound.js';
import type { PlayRequest, PlayWire, StopRequest } from './room-transport.js';
import type { RoomNote } from './views.js';

export interface PlaysParts {
  readonly options: GatewayOptions;
  readonly load: SoundLoader;
  readonly note: RoomNote;
  /** The user, if it is in a room. */
  readonly present: (userId: string) => Participant | undefined;
}

/** Files that are played at once, whoever plays them: each is held whole. */
const PLAYS_MAX = 100;
/** Longest URL, in characters. */
const URL_LENGTH_MAX = 4_096;
/** Every track. */
const ALL_TRACKS = -1;

export class Plays {
  readonly open = new Set<Play>();
  readonly #parts: PlaysParts;

  constructor(parts: PlaysParts) {
    this.#parts = parts;
  }

  async play(request: PlayRequest, wire: PlayWire): Promise<Play> {
    const participant = this.#check(request);
    const requestId = request.requestId === '' ? nanoid() : request.requestId;
    for (const other of [...participant.plays]) {
      if (request.stopOther || other.trackId === request.trackId) other.halt();
    }
    const { load } = this.#parts;
    const play = new Play({ request, requestId, participant, wire, load, note: this.#note });
    participant.plays.add(play);
    if (!(await participant.room.startStream(play))) {
      participant.plays.delete(play);
      throw notInRoom(request.userId);
    }
    this.open.add(play);
    play.process.scope.acquire('stream_entry', () => void this.open.delete(play));
    // The user may have left meanwhile, and what it played then was told before there was anybody to tell.
    if (!participant.present) play.ownerLeft('shutdown');
    play.begin();
    return play;
  }

  /** @returns the id of what was stopped; of several, the one that began last. */
  stop({ userId, requestId, trackId }: StopRequest): string {
    checkGiven('user_id', userId);
    const participant = this.#parts.present(userId);
    if (!participant?.present) throw noSession(userId);
    const playing = [...participant.plays].filter((play) =>
      requestId !== '' ? play.requestId === requestId : trackId === ALL_TRACKS || play.trackId === trackId,
    );
    const last = playing.at(-1);
    if (!last) throw new GatewayError('not_found', 'not_found: nothing of the kind is playing');
    for (const play of playing) play.halt();
    return last.requestId;
  }

  #check({ userId, requestId, url, volume }: PlayRequest): Participant {
    checkGiven('user_id', userId);
    checkName('request_id', requestId);
    if (url === '' || url.length > URL_LENGTH_MAX) {
      throw invalid(`audio_url: expected 1 to ${URL_LENGTH_MAX} characters, got ${url.length}`);
    }
    if (!Number.isFinite(volume) || volume < 0) throw invalid(`volume: expected a number of at least 0, got ${volume}`);
    const participant = this.#parts.present(userId);
    if (!participant?.present) throw notInRoom(userId);
    const { streamsPerClient } = this.#parts.options.limits;
    if (participant.plays.size >= streamsPerClient || this.open.size >= PLAYS_MAX) {
      throw new GatewayError('max_streams_reached', 'max_streams_reached: as much is playing as may');
    }
    return participant;
  }

  readonly #note = (type: string, { process, nodeId, requestId }: Play, reason: string): void =>
    this.#parts.note(type, { actor: process.path, kind: 'play' }, reason, { userId: nodeId, requestId });
}

function notInRoom(userId: string): GatewayError {
  return new GatewayError('not_in_room', `not_in_room: user "${userId}" is in no room`);
}
