/** The process of those who speak and hear: 640 B each 20 ms on every stream, ten streams to a connection, on bare HTTP/2. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { decodeAudio, encodeAudio } from '../../src/grpc/audio-codec.js';
import { JoinRoomRequestSchema } from '../../src/grpc/gen/sluice/v1/audio_pb.js';
import { FRAMING_BYTES, framed } from '../../src/grpc/wire-format.js';
import { answer, paced } from '../peer.js';
import { roomOf, STREAM_AUDIO, userOf } from './contender.js';

const STREAMS_PER_CONNECTION = 10;
const CHUNKS_PER_SECOND = 50;
const WINDOW_BYTES = 1024 * 1024;
/** The clock of one process, so that both ends of a chunk's way are on it. */
const nowUs = (): number => Math.round(performance.now() * 1000);

export interface Heard {
  readonly said: number;
  readonly heard: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SpeakerAsks {
  readonly open: undefined;
  readonly begin: undefined;
  readonly mark: undefined;
  readonly measure: Heard;
}

const pcm = Buffer.alloc(640, 3);
const streams: ClientHttp2Stream[] = [];
let stop = (): void => {};
let said = 0;
let delaysUs: number[] = [];

answer({
  open: async ({ port, count, rooms, tls }: { port: number; count: number; rooms: boolean; tls: boolean }) => {
    let session: ClientHttp2Session | undefined;
    for (let n = 0; n < count; n += 1) {
      if (n % STREAMS_PER_CONNECTION === 0) {
        session = open(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`);
      }
      if (!session) continue;
      if (rooms) await join(session, n);
      const stream = session.request(headersOf(STREAM_AUDIO));
      stream.on('error', () => {});
      hear(stream);
      stream.write(chunkOf(n));
      streams.push(stream);
    }
  },
  begin: () => {
    let turn = 0;
    // Spread over the 20 ms, two each turn: in one burst they would only measure the burst.
    stop = paced((streams.length * CHUNKS_PER_SECOND) / 8, () => {
      for (let n = 0; n < 8; n += 1) {
        const at = turn++ % streams.length;
        streams[at]?.write(chunkOf(at));
        said += 1;
      }
    });
  },
  mark: () => {
    said = 0;
    delaysUs = [];
  },
  measure: (): Heard => {
    stop();
    const sorted = delaysUs.sort((a, b) => a - b);
    const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? 0) / 1000;
    return { said, heard: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
  },
});

/** With windows that hold a few seconds: while this machine keeps us from reading, no server is to take us for gone. */
function open(address: string): ClientHttp2Session {
  const session = connect(address, { rejectUnauthorized: false, settings: { initialWindowSize: WINDOW_BYTES } });
  session.on('connect', () => session.setLocalWindowSize(STREAMS_PER_CONNECTION * WINDOW_BYTES));
  session.on('error', () => {});
  return session;
}

function chunkOf(stream: number): Buffer {
  return encodeAudio({
    pcm,
    sampleRate: 16_000,
    channels: 1,
    timestampMs: nowUs(),
    userId: userOf(stream),
    trackId: 0,
  });
}

function hear(stream: ClientHttp2Stream): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= FRAMING_BYTES) {
      const end = FRAMING_BYTES + rest.readUInt32BE(1);
      if (rest.length < end) break;
      delaysUs.push(nowUs() - decodeAudio(rest.subarray(FRAMING_BYTES, end)).timestampMs);
      rest = rest.subarray(end);
    }
  });
}

function join(session: ClientHttp2Session, stream: number): Promise<void> {
  const body = toBinary(
    JoinRoomRequestSchema,
    create(JoinRoomRequestSchema, { userId: userOf(stream), roomName: roomOf(stream) }),
  );
  const message = framed(body.length);
  message.set(body, FRAMING_BYTES);
  return new Promise((resolve, reject) => {
    const call = session.request(headersOf('/sluice.v1.AudioBridge/JoinRoom'));
    call.on('trailers', (trailers) =>
      trailers['grpc-status'] === '0' ? resolve() : reject(new Error(String(trailers['grpc-message']))),
    );
    call.on('error', reject);
    call.resume();
    call.end(message);
  });
}

function headersOf(path: string): Record<string, string> {
  return { ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc' };
}
