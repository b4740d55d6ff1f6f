import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { jpegEnd } from '../../src/cameras/jpeg.js';
import { endings, open } from './camera-server.js';

const { CI } = process.env;
const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!ffmpeg && CI) throw new Error('ffmpeg is not installed; under CI its tests may not be skipped');

describe.skipIf(!ffmpeg)('the MJPEG server of a real ffmpeg (needs: ffmpeg)', () => {
  it('gives whole pictures, one after the other, and sees its only client leave', async () => {
    const port = await freePort();
    const child = spawn(
      'ffmpeg',
      [
        '-nostdin',
        '-v',
        'error',
        '-re',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=25',
        '-f',
        'mpjpeg',
        '-listen',
        '1',
      ].concat(`http://127.0.0.1:${port}/`),
      { stdio: 'ignore' },
    );
    const exited = once(child, 'exit');
    endings.push(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    const { listener, attempt } = await openWhenListening(`http://127.0.0.1:${port}/`);
    await listener.havePictures(20);
    for (const { data } of listener.pictures) expect(jpegEnd(data)).toBe(data.length);
    expect(new Set(listener.pictures.map(({ data }) => data.toString('latin1'))).size).toBe(listener.pictures.length);
    await attempt.close();
    await exited; // it serves one client, and ends when that is gone
  });
});

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Knocks until the port answers. */
async function openWhenListening(url: string) {
  for (;;) {
    const { listener, attempt } = open(url);
    const refused = await Promise.race([listener.haveFailed(), listener.haveOpened()]);
    if (!refused) return { listener, attempt };
    if (!/ECONNREFUSED/.test(refused.message)) throw refused;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
