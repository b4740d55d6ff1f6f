/** Every rpc, called by strangers who know of it by reflection only, over three implementations of gRPC. */
import type { JsonValue } from '@bufbuild/protobuf';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { CALLERS, Stranger } from './generic-clients.js';
import { clientOf, controlInbox } from './harness.js';
import { runGateway } from './running-gateway.js';

interface Visit {
  readonly rpc: string;
  readonly requests: readonly JsonValue[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers that are waited for before the requests are ended. */
  readonly take: number;
  readonly status: readonly Code[];
  readonly answers: unknown;
}

const PICTURE = Buffer.from('picture').toString('base64');
const user = { userId: 'stranger' };
const some = expect.anything();
const enough = [Code.OK, Code.CANCELLED];

/** In this order: the audio bridge has to be joined before it is left. */
const VISITS: readonly Visit[] = [
  {
    rpc: 'sluice.v1.Gateway/Connect',
    requests: [{ hello: { nodeId: 'stranger' } }, { heartbeat: { timestampMs: '7' } }],
    take: 2,
    status: enough,
    answers: expect.arrayContaining([{ welcome: some }, { heartbeat: { timestampMs: '7' } }]),
  },
  {
    rpc: 'sluice.v1.Gateway/Watch',
    requests: [{ cameraId: 'demo' }],
    take: 2,
    status: [Code.CANCELLED],
    answers: expect.arrayContaining([
      expect.objectContaining({ cameraId: 'demo', contentType: 'image/jpeg', data: some }),
    ]),
  },
  {
    rpc: 'sluice.v1.Gateway/Publish',
    requests: [1, 2, 3].map((seq) => ({ cameraId: 'yard', seq, contentType: 'image/jpeg', data: PICTURE, key: true })),
    take: 1,
    status: [Code.OK],
    answers: [expect.objectContaining({ frames: '3' })],
  },
  {
    rpc: 'sluice.v1.Gateway/Call',
    requests: [{ procedure: 'echo', payload: PICTURE }],
    take: 1,
    status: [Code.OK],
    answers: [{ payload: PICTURE }],
  },
  {
    rpc: 'sluice.v1.Camera/ProduceCameraStream',
    requests: [{}],
    headers: { 'x-camera-id': 'demo' },
    take: 1,
    status: [Code.CANCELLED],
    answers: expect.arrayContaining([expect.objectContaining({ cameraId: 'demo' })]),
  },
  {
    rpc: 'sluice.v1.AudioBridge/JoinRoom',
    requests: [{ ...user, roomName: 'lobby' }],
    take: 1,
    status: [Code.OK],
    answers: [expect.objectContaining({ success: true, participantCount: 1 })],
  },
  {
    rpc: 'sluice.v1.AudioBridge/StreamAudio',
    requests: [{ ...user, sampleRate: 16000, channels: 1, pcmData: Buffer.alloc(640).toString('base64') }],
    take: 0,
    status: [Code.OK, Code.CANCELLED],
    answers: [],
  },
  {
    rpc: 'sluice.v1.AudioBridge/JoinRoom',
    requests: [{ ...user, roomName: 'lobby' }],
    take: 1,
    status: [Code.OK],
    answers: [expect.objectContaining({ success: true })],
  },
  { rpc: 'sluice.v1.AudioBridge/GetStatus', requests: [user], take: 1, status: [Code.OK], answers: [some] },
  {
    rpc: 'sluice.v1.AudioBridge/HealthCheck',
    requests: [{}],
    take: 1,
    status: [Code.OK],
    answers: [expect.objectContaining({ status: 'SERVING' })],
  },
  {
    rpc: 'sluice.v1.AudioBridge/PlayAudio',
    requests: [{ ...user, requestId: 'r1', audioUrl: 'http://127.0.0.1:1/none.wav' }],
    take: 9,
    status: [Code.OK],
    answers: expect.arrayContaining([expect.objectContaining({ type: 'FAILED', requestId: 'r1' })]),
  },
  {
    rpc: 'sluice.v1.AudioBridge/StopAudio',
    requests: [{ ...user, trackId: -1 }],
    take: 1,
    status: [Code.OK],
    answers: [some],
  },
  {
    rpc: 'sluice.v1.AudioBridge/LeaveRoom',
    requests: [user],
    take: 1,
    status: [Code.OK],
    answers: [expect.objectContaining({ success: true })],
  },
  {
    rpc: 'grpc.health.v1.Health/Check',
    requests: [{ service: 'camera/demo' }],
    take: 1,
    status: [Code.OK],
    answers: [{ status: 'SERVING' }],
  },
  { rpc: 'grpc.health.v1.Health/List', requests: [{}], take: 1, status: [Code.OK], answers: [some] },
  ...['v1', 'v1alpha'].map((version) => ({
    rpc: `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    requests: [{ listServices: '*' }, { fileByFilename: 'sluice/v1/gateway.proto' }],
    take: 2,
    status: [Code.OK],
    answers: [
      expect.objectContaining({ listServicesResponse: some }),
      expect.objectContaining({ fileDescriptorResponse: some }),
    ],
  })),
];

/** Its second answer comes only with a change, so it is not in the list of visits that are waited for. */
const UNENDING = ['grpc.health.v1.Health/Watch'];

async function town() {
  const { address } = await runGateway({
    cameras: [
      { id: 'demo', source: 'clip:' },
      { id: 'yard', source: 'push:' },
    ],
  });
  const inbox = controlInbox();
  const provider = clientOf(address).connect({
    ...inbox.listener,
    message: (word) => {
      if (word.message.case === 'call') {
        const { id, payload } = word.message.value;
        provider.send({ case: 'reply', value: { id, payload } });
      } else inbox.listener.message(word);
    },
  });
  provider.send({ case: 'hello', value: { nodeId: 'provider' } });
  provider.send({ case: 'register', value: { procedure: 'echo' } });
  provider.send({ case: 'heartbeat', value: { timestampMs: 1n } });
  while ((await inbox.next()).message.case !== 'heartbeat');
  return address;
}

describe.each(Object.entries(CALLERS))('a stranger who speaks gRPC with %s', (_, caller) => {
  it('finds every rpc by reflection, and calls it', async () => {
    const stranger = await Stranger.meet(await town(), caller);
    expect([...new Set([...VISITS.map(({ rpc }) => rpc), ...UNENDING])].sort()).toEqual([...stranger.methods].sort());
    for (const { rpc, requests, take, status, answers, headers } of VISITS) {
      const outcome = await stranger.call(rpc, requests, take, headers);
      expect(status, `${rpc} ended with ${outcome.status}: ${JSON.stringify(outcome.answers).slice(0, 300)}`).toContain(
        outcome.status,
      );
      expect(outcome.answers, rpc).toEqual(answers);
    }
  });

  it('is told of what is not there, and of what makes no sense', async () => {
    const stranger = await Stranger.meet(await town(), caller);
    const refusals: readonly (readonly [string, JsonValue, Code])[] = [
      ['sluice.v1.Gateway/Watch', { cameraId: 'nowhere' }, Code.NOT_FOUND],
      ['sluice.v1.Gateway/Watch', { cameraId: 'demo', overflow: 'often' }, Code.INVALID_ARGUMENT],
      ['sluice.v1.Gateway/Call', { procedure: 'nobody.does' }, Code.NOT_FOUND],
      ['sluice.v1.Gateway/Connect', { heartbeat: {} }, Code.INVALID_ARGUMENT],
      ['sluice.v1.Gateway/Connect', { hello: { nodeId: 'x', realm: 'elsewhere' } }, Code.PERMISSION_DENIED],
      ['sluice.v1.Gateway/Publish', { cameraId: '' }, Code.INVALID_ARGUMENT],
      ['grpc.health.v1.Health/Check', { service: 'nobody' }, Code.NOT_FOUND],
    ];
    for (const [rpc, request, code] of refusals)
      expect((await stranger.call(rpc, [request], 9)).status, rpc).toBe(code);
  });
});
