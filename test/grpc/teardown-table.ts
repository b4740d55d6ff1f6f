/**
 * How a stream of each kind ends, whoever fails: done to a real gateway over real sockets, from real processes, and written
 * down. The exits are those of the chart; a way is something that somebody does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import { status as Code } from '@grpc/grpc-js';
import { pino } from 'pino';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { encodeFrame, FRAMING_BYTES } from '../../src/grpc/frame-codec.js';
import {
  AudioChunkSchema,
  JoinRoomRequestSchema,
  PlayAudioRequestSchema,
} from '../../src/grpc/gen/sluice/v1/audio_pb.js';
import { CallRequestSchema, ClientMessageSchema, WatchRequestSchema } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { Pipe } from './pipe.js';
import { answerOf, call, framed, openCall, openSession, type RawAnswer } from './raw-http2.js';

export const KINDS = [
  ...['Connect', 'Watch', 'ProduceCameraStream', 'Publish', 'Call', 'StreamAudio', 'PlayAudio'],
] as const;
export type Kind = (typeof KINDS)[number];

export interface Way {
  readonly name: string;
  /** The exit of the chart that it leads to. */
  readonly exit: string;
  /** Absent: all of them. */
  readonly kinds?: readonly Kind[];
  readonly from?: 'another process' | 'behind a pipe';
  readonly headers?: object;
  /** How much the client lets be sent to it. */
  readonly windowBytes?: number;
  readonly options?: object;
  /** Does it, once all streams are open. */
  readonly happen: (scene: Scene) => unknown;
}

export interface Scene {
  readonly gateway: SluiceGateway;
  readonly streams: ReadonlyMap<Kind, ClientHttp2Stream>;
  readonly session: ClientHttp2Session;
  readonly child: ChildProcess | undefined;
  readonly pipe: Pipe | undefined;
  /** The actors of the streams, by their kind. */
  readonly actors: ReadonlyMap<Kind, string>;
  act(id: string, action: string): Promise<unknown>;
}

const TOKEN = 'teardown-token';
const ADMIN = { authorization: `Bearer ${TOKEN}` };

const frame = encodeFrame({
  cameraId: 'yard',
  seq: 1,
  timestampMs: 1,
  contentType: 'image/jpeg',
  key: true,
  picture: Buffer.from('x'),
});
const text = (schema: typeof ClientMessageSchema, nodeId: string): Buffer =>
  framed(toBinary(schema, create(schema, { message: { case: 'hello', value: { nodeId } } })));

/** What is played: a minute of silence, which is there while the ways are gone. */
export const SOUND = join(tmpdir(), `sluice-teardown-${process.pid}.wav`);

interface Opening {
  readonly path: string;
  readonly body: Buffer;
  readonly end: boolean;
  /** Its kind among the streams, and its camera where that tells it from another. */
  readonly view: string;
  readonly camera?: string;
  readonly headers?: object;
}

const OPENINGS: Readonly<Record<Kind, Opening>> = {
  Connect: { path: '/sluice.v1.Gateway/Connect', body: text(ClientMessageSchema, 'edge'), end: false, view: 'connect' },
  Watch: {
    path: '/sluice.v1.Gateway/Watch',
    body: framed(toBinary(WatchRequestSchema, create(WatchRequestSchema, { cameraId: 'demo' }))),
    end: true,
    view: 'watch',
    camera: 'demo',
  },
  ProduceCameraStream: {
    path: '/sluice.v1.Camera/ProduceCameraStream',
    body: framed(Buffer.alloc(0)),
    end: true,
    view: 'watch',
    camera: 'other',
    headers: { 'x-camera-id': 'other' },
  },
  Publish: {
    path: '/sluice.v1.Gateway/Publish',
    body: framed(frame.subarray(FRAMING_BYTES)),
    end: false,
    view: 'publish',
  },
  Call: {
    path: '/sluice.v1.Gateway/Call',
    body: framed(toBinary(CallRequestSchema, create(CallRequestSchema, { procedure: 'slow' }))),
    end: true,
    view: 'call',
  },
  StreamAudio: {
    path: '/sluice.v1.AudioBridge/StreamAudio',
    body: framed(
      toBinary(
        AudioChunkSchema,
        create(AudioChunkSchema, { userId: 'user', sampleRate: 16000, channels: 1, pcmData: new Uint8Array(640) }),
      ),
    ),
    end: false,
    view: 'audio',
  },
  PlayAudio: {
    path: '/sluice.v1.AudioBridge/PlayAudio',
    body: framed(
      toBinary(
        PlayAudioRequestSchema,
        create(PlayAudioRequestSchema, { userId: 'player', audioUrl: pathToFileURL(SOUND).href }),
      ),
    ),
    end: true,
    view: 'play',
  },
};

/** What became of each kind: how its actor ended, and what its peer was told. */
export async function perform(way: Way): Promise<ReadonlyMap<Kind, string>> {
  const kinds = way.kinds ?? KINDS;
  const gateway = createGateway({
    grpc: { port: 0, keepalive: { timeMs: 400, timeoutMs: 400 } },
    http: { port: 0, token: TOKEN },
    cameras: [
      { id: 'demo', source: 'clip:' },
      { id: 'other', source: 'clip:' },
      { id: 'yard', source: 'push:' },
    ],
    session: { graceMs: 200 },
    calls: { timeoutMs: 60_000 },
    logger: pino({ level: 'silent' }),
    ...way.options,
  });
  const ends = new Map<string, string>();
  gateway.on('process.down', ({ actor, reason = '' }) => void ends.set(actor, reason));
  await gateway.start();
  const address = gateway.addresses.grpc as string;
  const base = gateway.addresses.http as string;
  const provider = await provide(address);
  if (kinds.includes('StreamAudio')) await joinRoom(provider, 'user');
  if (kinds.includes('PlayAudio')) await joinRoom(provider, 'player');
  const pipe = way.from === 'behind a pipe' ? await Pipe.before(address) : undefined;
  const before = await streamsOf(base);
  const session = openSession(pipe?.address ?? address, way.windowBytes);
  const streams = new Map<Kind, ClientHttp2Stream>();
  const answers = new Map<Kind, Promise<RawAnswer>>();
  let child: ChildProcess | undefined;
  if (way.from === 'another process') child = await inAnotherProcess(address, kinds);
  else {
    for (const kind of kinds) {
      const { path, body, end, headers } = OPENINGS[kind];
      const stream = openCall(session, path, { ...headers, ...way.headers });
      answers.set(kind, answerOf(stream));
      streams.set(kind, stream);
      if (end) stream.end(body);
      else stream.write(body);
    }
  }
  const actors = await actorsOf(base, kinds, before);
  const act = (id: string, action: string) =>
    fetch(`${base}/api/actors/${encodeURIComponent(id)}/${action}`, { method: 'POST', headers: ADMIN });
  await way.happen({ gateway, streams, session, child, pipe, actors, act });
  const outcome = new Map<Kind, string>();
  for (const kind of kinds) {
    const actor = actors.get(kind) as string;
    await until(() => ends.has(actor));
    const told = way.from === undefined ? toldText(await answers.get(kind)) : '';
    outcome.set(kind, `${ends.get(actor)}${told}`);
  }
  child?.kill('SIGKILL');
  pipe?.close();
  session.destroy();
  provider.destroy();
  await gateway.stop({ deadlineMs: 1_000 });
  const left = gateway.census();
  if (Object.keys(left).length > 0) throw new Error(`${way.name}: left behind ${JSON.stringify(left)}`);
  return outcome;
}

function toldText(answer: RawAnswer | undefined): string {
  // Where no status gets through, the stream is reset, which peers translate to the status beside it.
  if (answer?.reset === constants.NGHTTP2_ENHANCE_YOUR_CALM) return ' → reset (RESOURCE_EXHAUSTED)';
  if (answer?.status === undefined) return '';
  return ` → ${Code[answer.status]}`;
}

async function joinRoom(session: ClientHttp2Session, userId: string): Promise<void> {
  const request = create(JoinRoomRequestSchema, { userId, roomName: 'lobby' });
  await call(session, '/sluice.v1.AudioBridge/JoinRoom', framed(toBinary(JoinRoomRequestSchema, request)));
}

/** Somebody who provides a procedure and never answers. */
async function provide(address: string): Promise<ClientHttp2Session> {
  const session = openSession(address);
  const stream = openCall(session, OPENINGS.Connect.path);
  const word = (message: object): Buffer =>
    framed(toBinary(ClientMessageSchema, create(ClientMessageSchema, { message } as never)));
  stream.write(text(ClientMessageSchema, 'provider'));
  stream.write(word({ case: 'register', value: { procedure: 'slow' } }));
  await once(stream, 'data');
  return session;
}

async function inAnotherProcess(address: string, kinds: readonly Kind[]): Promise<ChildProcess> {
  const openings = kinds.map((kind) => ({ ...OPENINGS[kind], body: OPENINGS[kind].body.toString('hex') }));
  const script = fileURLToPath(new URL('./teardown-client.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, address, JSON.stringify(openings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

interface StreamRow {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly cameraId?: string;
}

async function streamsOf(base: string): Promise<readonly StreamRow[]> {
  const { streams } = (await (await fetch(`${base}/api/streams`, { headers: ADMIN })).json()) as {
    streams: StreamRow[];
  };
  return streams;
}

/** The actors behind the streams, as soon as all of them are open. */
async function actorsOf(
  base: string,
  kinds: readonly Kind[],
  before: readonly StreamRow[],
): Promise<ReadonlyMap<Kind, string>> {
  const found = new Map<Kind, string>();
  const old = new Set(before.map(({ id }) => id));
  await until(async () => {
    for (const { id, kind, state, cameraId } of await streamsOf(base)) {
      const known = KINDS.find((one) => OPENINGS[one].view === kind && (OPENINGS[one].camera ?? cameraId) === cameraId);
      if (known && !old.has(id) && state.includes('open.')) found.set(known, id);
    }
    return kinds.every((kind) => found.has(kind));
  });
  return found;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 15_000; !(await condition()); ) {
    if (performance.now() > endMs) throw new Error(`waited for too long for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
