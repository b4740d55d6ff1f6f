/** The audio bridge over the wire: its contract, field by field, with a client that knows the proto and nothing else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  HealthCheckResponse_ServingStatus as Health,
  PlayAudioEvent_EventType as Play,
} from '../../src/grpc/gen/sluice/v1/audio_pb.js';
import { eventually } from '../e2e/eventually.js';
import { wav } from '../gateway/audio-town.js';
import { RawAudio } from './raw-audio.js';
import { runGateway } from './running-gateway.js';

async function bridge(options: Parameters<typeof runGateway>[0] = {}) {
  const { gateway, address } = await runGateway({ cameras: [], ...options });
  return { gateway, audio: new RawAudio(address), address };
}

async function enter(audio: RawAudio, userId: string, roomName = 'hall') {
  expect(await audio.join({ userId, roomName })).toMatchObject({ success: true, error: '' });
  const stream = audio.stream();
  stream.say({ userId });
  await stream.opened;
  return stream;
}

function soundFile(name: string, content: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sound-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return pathToFileURL(join(folder, name)).href;
}

describe('the audio bridge', () => {
  it('S2-26 relays what one says to the others: first message names the user, PCM16 mono 16 kHz with timestamp', async () => {
    const { audio } = await bridge();
    const ann = await enter(audio, 'ann');
    const bob = await enter(audio, 'bob');
    ann.say({ pcmData: Buffer.from([1, 2, 3, 4]), timestampMs: 1_700_000_000_000n, trackId: 2 });
    expect(await bob.hears(1)).toMatchObject([
      {
        pcmData: Buffer.from([1, 2, 3, 4]),
        sampleRate: 16_000,
        channels: 1,
        timestampMs: 1_700_000_000_000n,
        userId: 'ann',
        trackId: 2,
      },
    ]);
    expect(ann.chunks).toEqual([]);
  });

  it('S2-26 says who speaks and in which format, also for whoever leaves it out', async () => {
    const { audio } = await bridge();
    const ann = await enter(audio, 'ann');
    const bob = await enter(audio, 'bob');
    const pcmData = Buffer.from([1, 2, 3, 4]);
    const full = { userId: 'ann', sampleRate: 16_000, channels: 1 };
    ann.say({ ...full, pcmData });
    ann.say({ ...full, pcmData, userId: '' });
    ann.say({ ...full, pcmData, sampleRate: 0 });
    ann.say({ ...full, pcmData, channels: 0 });
    const heard = await bob.hears(4);
    expect(heard).toMatchObject(heard.map(() => ({ ...full, pcmData })));
  });

  it('says who is there, and true figures', async () => {
    const { audio, gateway } = await bridge();
    const first = await audio.join({ userId: 'ann', roomName: 'hall' });
    expect(first).toMatchObject({
      success: true,
      participantCount: 1,
      metadata: { room: 'hall', backend: 'embedded' },
    });
    await enter(audio, 'bob');
    expect(await audio.health()).toMatchObject({
      status: Health.SERVING,
      activeSessions: 2,
      activeStreams: 1,
      metadata: { rooms: '1', plays: '0' },
    });
    expect((await audio.health('sluice.v1.AudioBridge')).status).toBe(Health.SERVING);
    expect((await audio.health('other')).status).toBe(Health.SERVICE_UNKNOWN);
    const status = await audio.status('ann');
    expect(status).toMatchObject({ connected: true, participantId: first.participantId, participantCount: 2 });
    expect(status.serverVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(await audio.status('nobody')).toMatchObject({ connected: false, lastDisconnectAt: 0n, participantCount: 0 });
    expect(gateway.resources()).toMatchObject({ rooms: 1, sessions: 0, clients: 0, streams: 1 });
    const { rooms } = (await (await fetch(`${gateway.addresses.http}/api/rooms`)).json()) as { rooms: unknown };
    expect(rooms).toMatchObject([
      {
        id: 'hall',
        state: 'occupied',
        participants: 2,
        users: [{ userId: 'ann' }, { userId: 'bob', state: 'attached' }],
      },
    ]);
  });

  it('S2-30 ends the stream of whoever was replaced with ABORTED superseded', async () => {
    const { audio } = await bridge();
    const before = await enter(audio, 'ann');
    await enter(audio, 'ann');
    expect(await before.status).toMatchObject({ code: Code.ABORTED, details: expect.stringMatching(/^superseded: /) });
  });

  it('ends a stream with OK after LeaveRoom, and after its user has said its last', async () => {
    const { audio } = await bridge();
    const ann = await enter(audio, 'ann');
    expect(await audio.leave({ userId: 'ann', reason: 'going home' })).toMatchObject({ success: true, error: '' });
    expect((await ann.status).code).toBe(Code.OK);
    expect(await audio.status('ann')).toMatchObject({ connected: false, lastDisconnectReason: 'going home' });
    const bob = await enter(audio, 'bob');
    bob.halfClose();
    expect((await bob.status).code).toBe(Code.OK);
    expect((await audio.health()).activeSessions).toBe(0);
  });

  it('S2-9 ends a stream over which nothing comes with DEADLINE_EXCEEDED inactivity', async () => {
    const { audio } = await bridge({ session: { inactivityMs: 200, heartbeatMs: 50 } });
    const ann = await enter(audio, 'ann');
    expect(await ann.status).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/^inactivity: /),
    });
    expect(ann.chunks.length).toBeGreaterThan(0);
  });

  it('S2-7 ends the stream of whoever does not read with RESOURCE_EXHAUSTED slow_consumer', async () => {
    const { audio, address } = await bridge({ stream: { sendTimeoutMs: 200 } });
    const deaf = await enter(new RawAudio(address), 'deaf');
    deaf.pause();
    const ann = await enter(audio, 'ann');
    const loud = setInterval(() => ann.say({ pcmData: Buffer.alloc(32_000) }), 2);
    onTestFinished(() => clearInterval(loud));
    expect(await deaf.status).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect((await audio.status('deaf')).lastDisconnectReason).toBe('slow_consumer');
  });

  it('refuses what it has to refuse, in band and with a status', async () => {
    const { audio } = await bridge();
    expect(await audio.join({ userId: '', roomName: 'hall' })).toMatchObject({
      success: false,
      error: expect.stringMatching(/^invalid_argument: user_id/),
    });
    expect(await audio.join({ userId: 'ann', roomName: '' })).toMatchObject({ success: false });
    expect(await audio.leave({ userId: 'ann' })).toMatchObject({
      success: false,
      error: expect.stringMatching(/^session_not_found: /),
    });
    expect(await audio.stop({ userId: 'ann', trackId: -1 })).toMatchObject({ success: false, stoppedRequestId: '' });
    await expect(audio.status('')).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });

    const unnamed = audio.stream();
    unnamed.say({});
    expect(await unnamed.status).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringContaining('user_id'),
    });
    const silent = audio.stream();
    silent.halfClose();
    expect((await silent.status).code).toBe(Code.INVALID_ARGUMENT);
    const stranger = audio.stream();
    stranger.say({ userId: 'nobody' });
    expect((await stranger.status).code).toBe(Code.NOT_FOUND);
    const played = audio.play({ userId: 'nobody', audioUrl: 'file:///x.wav' });
    expect(await played.status).toMatchObject({
      code: Code.FAILED_PRECONDITION,
      details: expect.stringMatching(/^not_in_room: /),
    });
  });

  it.each([
    ['another user', { userId: 'bob' }, 'user_id'],
    ['another rate', { sampleRate: 48_000 }, 'sample_rate'],
    ['two channels', { channels: 2 }, 'channels'],
  ])('ends a stream that speaks as %s, and the session with it', async (_what, chunk, field) => {
    const { audio } = await bridge();
    const ann = await enter(audio, 'ann');
    ann.say(chunk);
    expect(await ann.status).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringContaining(field) });
    await eventually(
      'the session is gone',
      () => audio.health(),
      ({ activeSessions, activeStreams }) => activeSessions + activeStreams === 0,
    );
  });

  it('plays a file to the others in real time, and says how it goes', async () => {
    const { audio } = await bridge();
    await enter(audio, 'ann');
    const bob = await enter(audio, 'bob');
    const audioUrl = soundFile('chime.wav', wav(100));
    const played = audio.play({ userId: 'ann', audioUrl, requestId: 'r1', trackId: 2 });
    expect((await played.status).code).toBe(Code.OK);
    expect(played.events).toMatchObject([
      { type: Play.STARTED, requestId: 'r1', durationMs: 100n, positionMs: 0n },
      { type: Play.COMPLETED, requestId: 'r1', durationMs: 100n, positionMs: 100n },
    ]);
    const heard = await bob.hears(5);
    expect(heard.map(({ userId, trackId, pcmData }) => `${userId}/${trackId}:${pcmData.length}`)).toEqual(
      Array.from({ length: 5 }, () => 'ann/2:640'),
    );
    expect(Buffer.concat(heard.map(({ pcmData }) => pcmData))).toEqual(wav(100).subarray(44));
  });

  it('stops what plays: FAILED stopped, status OK', async () => {
    const { audio } = await bridge();
    await enter(audio, 'ann');
    const audioUrl = soundFile('long.wav', wav(60_000));
    const played = audio.play({ userId: 'ann', audioUrl, requestId: 'r1', trackId: 1 });
    await eventually('it plays', () => played.events.length, Boolean);
    expect(await audio.stop({ userId: 'ann', requestId: 'other', trackId: 1 })).toMatchObject({ success: false });
    expect(await audio.stop({ userId: 'ann', trackId: -1 })).toMatchObject({ success: true, stoppedRequestId: 'r1' });
    expect((await played.status).code).toBe(Code.OK);
    expect(played.events.at(-1)).toMatchObject({ type: Play.FAILED, error: 'stopped' });
  });

  it('says FAILED, and status OK, of what cannot be played', async () => {
    const { audio } = await bridge();
    await enter(audio, 'ann');
    const errors = [];
    for (const audioUrl of [
      'http://127.0.0.1:1/none.wav',
      'file:///there/is/none.wav',
      'ftp://host/x.wav',
      'nonsense',
      'http://user:secret@127.0.0.1:1/none.wav',
      soundFile('no.wav', Buffer.from('this is no sound')),
    ]) {
      const played = audio.play({ userId: 'ann', audioUrl });
      expect((await played.status).code).toBe(Code.OK);
      errors.push(...played.events.map(({ type, error }) => `${Play[type]} ${error.split(':')[0]}`));
      expect(played.events.map(({ error }) => error).join()).not.toContain('secret');
    }
    expect(errors).toEqual([
      'FAILED unreachable',
      'FAILED unreachable',
      'FAILED bad_url',
      'FAILED bad_url',
      'FAILED bad_url',
      'FAILED bad_audio',
    ]);
  });

  it('tells everybody to go when the gateway drains', async () => {
    const { gateway, audio } = await bridge();
    const ann = await enter(audio, 'ann');
    const stopped = gateway.stop({ deadlineMs: 2_000 });
    expect(await ann.status).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(/^draining: /) });
    await stopped;
  });
});
