/** What a real camera does for whoever comes at a bad moment. */
import { afterEach, describe, expect, it } from 'vitest';
import { configure } from '../../src/configuration.js';
import { Camera, cameraLogic } from '../../src/gateway/camera.js';
import { SourceError } from '../../src/gateway/frame-source.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import { Turn } from '../../src/gateway/turn.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { fromProcess } from '../../src/otp/from-process.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { spawn, startRoot } from '../../src/otp/spawn.js';
import { System } from '../../src/otp/system.js';
import { HeldSource } from './paths/held-source.js';

const system = new System({ clock: new VirtualClock() });
const root = startRoot(
  system,
  fromProcess(() => ({})),
  { id: 'root' },
).process as Process;
let camera: Camera;

function start(source: HeldSource): void {
  const [options] = configure({ cameras: [{ id: 'front', source: 'held:' }] }).cameras as [CameraOptions];
  camera = new Camera({ options, source, turn: new Turn(), encode: () => Buffer.alloc(1), jitter: 0, note: () => {} });
  spawn(root, cameraLogic, { id: 'camera', input: camera.input, body: camera });
}

afterEach(() => exit(camera.process.ref, 'kill'));

describe('a camera that has failed for good', () => {
  async function failed(): Promise<void> {
    const source = new HeldSource();
    start(source);
    const leave = camera.join({ push: () => {}, cameraEnded: () => leave() });
    system.flush();
    source.fail(new SourceError('there is no such source', { final: true }));
    source.attempts[0]?.finish();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(camera.view()).toMatchObject({ state: 'failed', viewers: 0 });
  }

  it('refuses a snapshot, and lives on', async () => {
    await failed();
    await expect(camera.snapshot(1_000)).rejects.toMatchObject({ code: 'no_picture' });
    expect(camera.process.alive).toBe(true);
    expect(camera.view()).toMatchObject({ state: 'failed', viewers: 0 });
  });

  it('ends every newcomer, not only the first', async () => {
    await failed();
    const ended: number[] = [];
    for (const viewer of [1, 2]) {
      const leave = camera.join({
        push: () => {},
        cameraEnded: () => {
          ended.push(viewer);
          leave();
        },
      });
      system.flush();
    }
    expect(ended).toEqual([1, 2]);
    expect(camera.viewers).toBe(0);
  });
});

describe('a camera that is killed while its source does not close', () => {
  it('tells its viewers at once', () => {
    start(new HeldSource());
    const ended: unknown[] = [];
    camera.join({ push: () => {}, cameraEnded: (reason) => void ended.push(reason) });
    system.flush();
    exit(camera.process.ref, 'kill');
    expect(ended).toEqual([{ shutdown: 'source_failed' }]);
  });
});
