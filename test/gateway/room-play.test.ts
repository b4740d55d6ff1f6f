/** What a user plays to the others: paced on the clock, stopped, replaced, and gone with its user. On virtual time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { loadSound, SOUND_BYTES_MAX } from '../../src/gateway/room-sound.js';
import { WavAudio } from '../../src/gateway/room-wav.js';
import { eventually } from '../e2e/eventually.js';
import { AudioTown, type EventWire, wav } from './audio-town.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-play-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: Buffer): string {
  writeFileSync(join(folder, name), content);
  return pathToFileURL(join(folder, name)).href;
}

describe('a user who plays a file', () => {
  let town: AudioTown;
  let short: string;
  let long: string;

  beforeAll(() => {
    short = file('short.wav', wav(2_500));
    long = file('long.wav', wav(60_000));
  });
  beforeEach(async () => {
    town = await AudioTown.start();
  });
  afterEach(() => town.stop());

  const started = (wire: EventWire) => eventually('it has started', () => wire.types.includes('started'));

  it('is heard by the others in real time, 20 ms at a time, and is told how far it is', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    const { wire } = await town.play({ url: short, trackId: 2 });
    await started(wire);
    expect(bob.wire.heard).toEqual(['ann/2:640']);
    await town.pass(19);
    expect(bob.wire.heard).toHaveLength(1);
    await town.pass(1);
    expect(bob.wire.heard).toHaveLength(2);
    for (let at = 20; at < 2_500; at += 20) await town.pass(20);
    expect(bob.wire.heard).toHaveLength(125);
    expect(wire.events.map(({ type, durationMs, positionMs }) => `${type} ${positionMs}/${durationMs}`)).toEqual([
      'started 0/2500',
      'progress 1000/2500',
      'progress 2000/2500',
      'completed 2500/2500',
    ]);
    expect(wire.ends).toEqual(['shutdown: ended']);
    expect(ann.wire.heard).toEqual([]);
    for (const { handle } of [ann, bob]) handle.peerCancelled();
    await town.isEmpty();
  });

  it('is not heard all at once after the machine was held up', async () => {
    await town.enter('ann');
    const bob = await town.enter('bob');
    const { wire } = await town.play({ url: long });
    await started(wire);
    const before = bob.wire.heard.length;
    // As if no timer had been served for ten seconds.
    (town.whole.clock as unknown as { now: () => number }).now = () => 10_000;
    await town.pass(20);
    expect(bob.wire.heard.length - before).toBeLessThanOrEqual(11);
  });

  it('may stop it: FAILED stopped, in order', async () => {
    await town.enter('ann');
    const { wire } = await town.play({ url: long, requestId: 'r7' });
    await started(wire);
    expect(town.audio.stopPlay({ userId: 'ann', requestId: 'r7', trackId: 0 })).toBe('r7');
    expect(wire.types).toEqual(['started', 'failed stopped']);
    await town.whole.settle();
    expect(wire.ends).toEqual(['shutdown: ended']);
    expect(() => town.audio.stopPlay({ userId: 'ann', requestId: 'r7', trackId: -1 })).toThrow('not_found');
    expect(town.audio.health().plays).toBe(0);
  });

  it('plays one thing on a track at a time, and all at once on several, unless it stops the others', async () => {
    await town.enter('ann');
    const one = await town.play({ url: long, requestId: 'one', trackId: 1 });
    const two = await town.play({ url: long, requestId: 'two', trackId: 2 });
    await Promise.all([started(one.wire), started(two.wire)]);
    const next = await town.play({ url: long, requestId: 'next', trackId: 1 });
    await started(next.wire);
    expect(one.wire.types.at(-1)).toBe('failed stopped');
    expect(two.wire.types).toEqual(['started']);
    const only = await town.play({ url: long, requestId: 'only', trackId: 3, stopOther: true });
    await started(only.wire);
    expect([two.wire.types.at(-1), next.wire.types.at(-1)]).toEqual(['failed stopped', 'failed stopped']);
    expect(town.audio.stopPlay({ userId: 'ann', requestId: '', trackId: -1 })).toBe('only');
  });

  it('plays no more when it has left, and when the caller has gone', async () => {
    const ann = await town.enter('ann');
    const one = await town.play({ url: long, trackId: 1 });
    const two = await town.play({ url: long, trackId: 2 });
    await Promise.all([started(one.wire), started(two.wire)]);
    one.cancel();
    await town.whole.settle();
    expect(one.wire.ends).toEqual(['shutdown: cancelled']);
    ann.handle.failed(new Error('reset'));
    expect(two.wire.types.at(-1)).toBe('failed session_ended: the user has left the room');
    await town.isEmpty();
  });

  it('is refused when it is in no room, and when as much is playing as may', async () => {
    await expect(town.play({ url: long })).rejects.toThrow('not_in_room');
    await town.stop();
    town = await AudioTown.start({ limits: { streamsPerClient: 1 } });
    await town.enter('ann');
    await town.play({ url: long, trackId: 1 });
    await expect(town.play({ url: long, trackId: 2 })).rejects.toThrow('max_streams_reached');
    await expect(town.play({ url: '' })).rejects.toThrow('audio_url: expected 1 to 4096 characters, got 0');
    await expect(town.play({ url: long, volume: Number.NaN })).rejects.toThrow('volume');
  });
});

describe('a WAV file', () => {
  it.each([
    ['8 bits', { bits: 8 }],
    ['16 bits', { bits: 16 }],
    ['24 bits', { bits: 24 }],
    ['32 bits', { bits: 32 }],
    ['floats', { bits: 32, encoding: 3 }],
    ['stereo', { channels: 2 }],
    ['8 kHz', { rate: 8_000 }],
    ['44.1 kHz stereo', { rate: 44_100, channels: 2 }],
    ['48 kHz', { rate: 48_000 }],
  ])('of %s sounds as the same tone at 16 kHz', (_what, format) => {
    const audio = new WavAudio(wav(100, format));
    const wanted = wav(100).subarray(44);
    const got = audio.pcm(0, audio.length);
    expect(audio.durationMs).toBe(100);
    expect(Math.abs(got.length - wanted.length)).toBeLessThanOrEqual(2);
    let worst = 0;
    for (let at = 0; at < Math.min(got.length, wanted.length) - 2; at += 2) {
      worst = Math.max(worst, Math.abs(got.readInt16LE(at) - wanted.readInt16LE(at)));
    }
    // Half of the full scale is 16384; what conversion costs is some percent of it.
    expect(worst).toBeLessThan(2_000);
  });

  it('is made louder, and cut where it cannot be', () => {
    const audio = new WavAudio(wav(10));
    const [quiet, loud, cut] = [1, 1.5, 100].map((volume) => audio.pcm(0, 160, volume).readInt16LE(20)) as [
      number,
      number,
      number,
    ];
    expect(Math.abs(loud - quiet * 1.5)).toBeLessThan(2);
    expect(Math.abs(cut)).toBeGreaterThanOrEqual(2 ** 15 - 1);
  });

  it('of unknown length (as a pipe writes it) is read to its end', () => {
    const piped = wav(50);
    piped.writeUInt32LE(0xffffffff, 40);
    expect(new WavAudio(piped).durationMs).toBe(50);
    piped.writeUInt32LE(0, 40);
    expect(new WavAudio(piped).durationMs).toBe(50);
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'expected a WAV file'],
    ['another format', Buffer.from('OggS and more of it'), 'expected a WAV file'],
    ['no data', wav(10).subarray(0, 36), 'expected a "data" chunk, got none'],
    ['compressed sound', withEncoding(85), 'got encoding 85'],
  ])('that is %s is refused by what is wrong', (_what, bytes, message) => {
    expect(() => new WavAudio(bytes)).toThrow(message);
  });

  it('that is cut anywhere is refused or shorter, and never more than that', () => {
    const whole = wav(20);
    for (let length = 0; length < whole.length; length += 1) {
      try {
        expect(new WavAudio(whole.subarray(0, length)).durationMs).toBeLessThanOrEqual(20);
      } catch (error) {
        expect((error as Error).name).toBe('WavError');
      }
    }
  });
});

function withEncoding(encoding: number): Buffer {
  const bytes = wav(10);
  bytes.writeUInt16LE(encoding, 20);
  return bytes;
}

describe('fetching a sound', () => {
  const never = new AbortController().signal;

  it('over HTTP is bounded in size, and its failures are told', async () => {
    const server = createServer((req, res) => {
      if (req.url === '/chime.wav') res.end(wav(20));
      else if (req.url === '/gone') res.writeHead(404).end('no');
      else if (req.url === '/hang') res.write('RIFF');
      else {
        const part = Buffer.alloc(1024 * 1024);
        const more = (): void => {
          while (!res.destroyed && res.write(part));
        };
        res.on('drain', more);
        more();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await loadSound(`${at}/chime.wav`, never)).toEqual(wav(20));
    await expect(loadSound(`${at}/gone`, never)).rejects.toThrow('unreachable: the server answered 404');
    await expect(loadSound(`${at}/endless`, never)).rejects.toThrow(
      `too_large: expected at most ${SOUND_BYTES_MAX} bytes`,
    );
    const stop = new AbortController();
    const hanging = loadSound(`${at}/hang`, stop.signal);
    stop.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
  });

  it('of a folder or a device is refused', async () => {
    await expect(loadSound(pathToFileURL(folder).href, never)).rejects.toThrow('unreachable');
    await expect(loadSound('file:///dev/zero', never)).rejects.toThrow('unreachable: expected a file');
  });
});
