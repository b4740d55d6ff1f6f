/** Two gateways as people run them, given the same folder to record into: the second is refused until the first is gone. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Recording } from '../../src/gateway/recording.js';
import { temporaryFolder } from './configuration-file.js';
import { eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';

const recordInto = (dir: string) => serve('--camera', 'front=clip:', '--record', dir);

async function recordings(gateway: GatewayProcess): Promise<readonly Recording[]> {
  return (await gateway.json<{ recordings: Recording[] }>('/api/recordings/front')).recordings;
}

const state = (gateway: GatewayProcess) => async () => (await gateway.camera('front')).recording;

/** It records, and has written more than so many pictures. */
async function records(gateway: GatewayProcess, pictures = 0): Promise<void> {
  await eventually(
    'it records',
    state(gateway),
    (recording) => recording?.state === 'recording' && recording.frames > pictures,
  );
}

describe('a second gateway that is given the folder of another', () => {
  it('is refused in one line that says by whom, shows its camera all the same, and takes over from one that was killed', async () => {
    const dir = temporaryFolder();
    const first = await recordInto(dir);
    await records(first, 10);
    const second = await recordInto(dir);
    const why = `${join(dir, 'front')} is being recorded into by process ${first.process.pid} on `;
    await eventually('it is refused', state(second), (recording) => recording?.lastError?.startsWith(why) === true);
    const refused = await eventually(
      'it has tried twice',
      async () => (await second.events()).filter(({ type }) => type === 'recorder.retrying'),
      (events) => events.length >= 2,
    );
    expect(new Set(refused.map(({ reason }) => reason)).size).toBe(1);
    expect(refused[0]?.reason).toMatch(/^[^\n]+: expected a folder of this gateway alone \(record\.dir\)$/);
    // Its camera is as live as the other's, and nothing in the folder has changed hands.
    const picture = await fetch(`${second.http}/cameras/front/snapshot.jpg`);
    expect(picture.status).toBe(200);
    expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(1_000);
    expect(await recordings(second)).toEqual([]);
    await records(first, 20);
    expect(readdirSync(join(dir, 'front')).filter((name) => name.endsWith('.part'))).toHaveLength(1);

    first.process.signal('SIGKILL');
    await first.process.end();
    await records(second);
    // What the other was writing when it was killed is whole, and the claim that it has left is gone.
    const [found] = await recordings(second);
    expect(found?.frames).toBeGreaterThan(20);
    expect(readdirSync(join(dir, 'front')).filter((name) => name.endsWith('.lock'))).toHaveLength(1);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    expect(readdirSync(join(dir, 'front')).filter((name) => /\.(?:lock|part)$/.test(name))).toEqual([]);
  });
});
