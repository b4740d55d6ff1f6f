/** What may happen to a stream, as it is done in `teardown-table.ts`. */
import { framed } from './raw-http2.js';
import type { Way } from './teardown-table.js';

const CANCEL = 8;

/** The exits of the chart that nobody can cause from outside, and why. */
export const NOT_FROM_OUTSIDE: Readonly<Record<string, string>> = {
  'iterator.broken':
    'a consumer in the process leaves its loop: `test/grpc/retrofit.test.ts`, `test/gateway/stream-paths.test.ts`',
  'send.failed': 'a write fails before the reset behind it is heard: `test/gateway/stream-paths.test.ts`',
};

export const WAYS: readonly Way[] = [
  {
    name: 'the client cancels',
    exit: 'peer.cancelled',
    happen: ({ streams }) => {
      for (const stream of streams.values()) stream.close(CANCEL);
    },
  },
  {
    name: 'the client half-closes',
    exit: 'stream.ended',
    kinds: ['Connect', 'Publish', 'StreamAudio'],
    happen: ({ streams }) => {
      for (const stream of streams.values()) stream.end();
    },
  },
  {
    name: "the client's deadline passes",
    exit: 'deadline.exceeded',
    headers: { 'grpc-timeout': '1500m' },
    happen: () => {},
  },
  {
    name: "the client's connection is reset",
    exit: 'peer.cancelled',
    from: 'behind a pipe',
    happen: ({ pipe }) => pipe?.close(),
  },
  {
    name: 'the client process is killed (SIGKILL)',
    exit: 'peer.cancelled',
    from: 'another process',
    happen: ({ child }) => child?.kill('SIGKILL'),
  },
  {
    name: 'the client process is stopped (SIGSTOP)',
    exit: 'peer.cancelled',
    from: 'another process',
    happen: ({ child }) => child?.kill('SIGSTOP'),
  },
  {
    name: 'the network swallows everything',
    exit: 'peer.cancelled',
    from: 'behind a pipe',
    happen: ({ pipe }) => pipe?.swallow(),
  },
  {
    name: 'the client says nothing for `session.inactivityMs`',
    exit: 'silence.detected',
    kinds: ['Connect', 'Publish', 'StreamAudio'],
    options: { session: { graceMs: 200, inactivityMs: 1_000 } },
    happen: () => {},
  },
  {
    name: 'the client does not read',
    exit: 'stallTimeout',
    kinds: ['Watch', 'ProduceCameraStream'],
    windowBytes: 0,
    options: { stream: { sendTimeoutMs: 300, stallMs: 300 } },
    happen: () => {},
  },
  {
    name: 'the client sends what makes no sense',
    exit: 'stream.failed',
    kinds: ['Connect'],
    happen: ({ streams }) => streams.get('Connect')?.write(framed(Buffer.alloc(0))),
  },
  {
    name: 'the client is killed by an operator',
    exit: 'owner.lost',
    kinds: ['Connect', 'Watch', 'ProduceCameraStream', 'Publish', 'Call'],
    // The session of each, which is above it.
    happen: async ({ actors, act }) => {
      for (const actor of actors.values()) await act(actor.split('/').slice(0, -1).join('/'), 'kill');
    },
  },
  {
    name: 'its camera or its room is killed by an operator',
    exit: 'owner.lost',
    kinds: ['Watch', 'ProduceCameraStream', 'StreamAudio', 'PlayAudio'],
    happen: async ({ act }) => {
      for (const camera of ['demo', 'other']) await act(`sluice/cameras/camera:${camera}`, 'kill');
      await act('sluice/rooms/room:lobby', 'kill');
    },
  },
  {
    name: 'the stream is stopped by an operator',
    exit: 'supervisor.stop',
    happen: async ({ actors, act }) => {
      for (const actor of actors.values()) await act(actor, 'stop');
    },
  },
  {
    name: 'the stream is killed by an operator',
    exit: 'kill',
    happen: async ({ actors, act }) => {
      for (const actor of actors.values()) await act(actor, 'kill');
    },
  },
  {
    name: 'the gateway is stopped',
    exit: 'owner.lost',
    happen: ({ gateway }) => void gateway.stop({ deadlineMs: 2_000 }),
  },
];
