/** What is counted of recordings: by a whole gateway on virtual time, over a real disk. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GatewayMetrics } from '../../../src/ops/metrics/gateway-metrics.js';
import { RecordedGateway, temporaryFolder } from '../../gateway/recorded-gateway.js';
import { parsed } from './exposition.js';

describe('the figures of a gateway that records', () => {
  it('E-c follow its segments, its recorder through a crash, and a disk that fails', async () => {
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir });
    const { live, telemetry } = gateway.tree;
    const metrics = new GatewayMetrics({
      gateway: live,
      system: gateway.system,
      telemetry,
      version: '1',
      ready: () => true,
    });
    const figure = async (name: string) => parsed(await metrics.fresh()).series.get(name);
    expect(await figure('sluice_recording_segments_total')).toBe(0);

    await gateway.until('three segments', () => gateway.said('recorder.segment').length === 3);
    expect(await figure('sluice_recording_segments_total')).toBe(3);
    expect(await figure('sluice_recording_bytes_total')).toBe(gateway.recording.bytes);
    await gateway.until('the next segment', () => gateway.recording.state === 'recording');
    expect(await figure('sluice_recorders{state="recording"}')).toBe(1);
    expect(await figure(`sluice_recording_disk_free_bytes{folder="${dir}"}`)).toBe(gateway.recording.freeBytes);

    // What a recorder has counted is not forgotten with it.
    const { frames } = gateway.recording;
    gateway.kill('sluice/cameras/recorder:front');
    await gateway.until('it records again', () => gateway.recording.frames > 5);
    expect(await figure('sluice_recording_frames_total')).toBeGreaterThanOrEqual(frames + gateway.recording.frames);
    expect(await figure('sluice_recording_drops_total')).toBe(0);

    // Somebody has put a file in the place of its folder.
    rmSync(join(dir, 'front'), { recursive: true });
    writeFileSync(join(dir, 'front'), '');
    await gateway.until('the disk fails', () => gateway.recording.state === 'backingOff');
    expect(await figure('sluice_recorders{state="backingOff"}')).toBe(1);
    expect(await figure('sluice_recorders{state="recording"}')).toBe(0);
    rmSync(join(dir, 'front'));
    mkdirSync(join(dir, 'front'));
    metrics.close();
    await gateway.stop();
  });
});
