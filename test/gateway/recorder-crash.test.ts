/** A recorder and its camera, when one of them crashes: neither takes the other along, and no segment is torn. */
import { describe, expect, it } from 'vitest';
import { jpegEnd } from '../../src/cameras/jpeg.js';
import { expectNoGap, RecordedGateway, temporaryFolder, writingAs } from './recorded-gateway.js';

describe('a camera that is recorded', () => {
  it('is recorded on by the same recorder when the camera has crashed', async () => {
    const gateway = await RecordedGateway.start({ dir: temporaryFolder() });
    await gateway.until('it is recorded', () => gateway.recording.frames > 5);
    const before = gateway.recording.frames;
    gateway.kill('sluice/cameras/camera:front');
    await gateway.until('it is recorded again', () => gateway.recording.frames > before + 10);
    expect(gateway.said('recorder.retrying')).toEqual([]);
    expect(gateway.said('process.down').filter(({ kind }) => kind === 'recorder')).toEqual([]);
    await gateway.stop();
  });

  it('goes on when its recorder has crashed, and loses nothing of what was written', async () => {
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir, segmentSeconds: 3_600 });
    const wire = await gateway.watch();
    await gateway.until('it is recorded', () => gateway.recording.frames > 20);
    gateway.kill('sluice/cameras/recorder:front');
    await gateway.until('it was repaired', () => gateway.said('recorder.recovered').length === 1);
    expect(gateway.tree.cameras.recorded('front').recordings[0]?.frames).toBeGreaterThan(20);
    await gateway.until('it is recorded again', () => gateway.recording.state === 'recording');
    expectNoGap(wire);
    expect(gateway.tree.cameras.views()[0]).toMatchObject({ attempts: 1 });
    await gateway.stop();
  });
});

describe('a recorder that is started anew while the disk is still busy with the one before', () => {
  it('waits for it, so that no file has two writers', async () => {
    let go: (() => void) | undefined;
    let hangs = false;
    const archives = writingAs(async (write) => {
      if (hangs) {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      }
      await write();
    });
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir, segmentSeconds: 3_600 }, archives);
    await gateway.until('it is recorded', () => gateway.recording.frames > 5);
    hangs = true;
    await gateway.until('the disk hangs', () => go !== undefined);
    // All cameras at once: they are not waited for.
    gateway.kill('sluice/cameras');
    await gateway.until('a new one', () => gateway.recording.state === 'opening');
    await gateway.pass(1_000);
    expect(gateway.recording.state).toBe('opening');
    expect(gateway.said('recorder.recovered')).toEqual([]);
    hangs = false;
    go?.();
    await gateway.until('it is repaired', () => gateway.said('recorder.recovered').length === 1);
    await gateway.until('it is recorded again', () => gateway.recording.state === 'recording');
    const [first] = gateway.tree.cameras.recorded('front').recordings;
    let whole = 0;
    for await (const { data } of gateway.tree.cameras.recorded('front').pictures(0)) {
      expect(jpegEnd(data)).toBe(data.length);
      whole += 1;
    }
    expect(whole).toBe(first?.frames);
    await gateway.stop();
  });
});
