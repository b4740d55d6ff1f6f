/** Cameras that are gRPC on the other side: another gateway, and devices that publish; everybody in a process of their own. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CameraView } from '../../src/gateway/views.js';
import { certificatePath } from '../grpc/certificates.js';
import { root } from '../house/source-files.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { COMMAND, GatewayProcess, serve, sluice } from './gateway-process.js';
import { TestProcess } from './processes.js';
import { ViewerProcess } from './viewer-process.js';

/** Tries that fit a test. */
const QUICK = 'retry: { delayMs: 50, slowMs: 100, slowMaxMs: 200 }';

async function front(source: string, more = ''): Promise<GatewayProcess> {
  return serve('--config', configurationFile(`cameras:\n  - { id: front, source: '${source}', ${QUICK}${more} }\n`));
}

function stateOf(gateway: GatewayProcess): Promise<CameraView> {
  return gateway.camera('front');
}

describe('a gateway whose camera is another gateway', () => {
  it('S0-32 S0-36 shows its pictures, and finds it again when it was killed and came back, showing its token to nobody', async () => {
    const upstream = await serve('--demo');
    const gateway = await front(`grpc://:s3cret-t0ken@${upstream.grpc}/demo`, ', lingerMs: 0');
    expect((await upstream.streams()).length, 'it is left alone while nobody watches').toBe(0);
    const viewers = [new ViewerProcess(gateway, 'front'), new ViewerProcess(gateway, 'front')] as const;
    const seen = await Promise.all(viewers.map((viewer) => viewer.sees(10)));
    for (const frames of seen) {
      expect(frames.every(({ whole }) => whole)).toBe(true);
      expect(frames.every(({ seq }, at) => at === 0 || seq > (frames[at - 1]?.seq ?? 0))).toBe(true);
    }
    expect(await upstream.streams()).toHaveLength(1);

    upstream.process.signal('SIGKILL');
    await upstream.process.end();
    await eventually(
      'the camera counts as disconnected',
      () => gateway.events(),
      (events) => events.some(({ type }) => type === 'camera.disconnected'),
    );
    const again = new GatewayProcess(
      sluice('serve', '--grpc', upstream.grpc, '--http', '127.0.0.1:0', '--camera', 'demo=clip:'),
    );
    await again.started();
    const before = viewers[0].frames.length;
    const frames = await viewers[0].sees(before + 10);
    expect(frames.every(({ seq }, at) => at === 0 || seq > (frames[at - 1]?.seq ?? 0))).toBe(true);
    expect(await again.streams()).toHaveLength(1);

    await Promise.all(viewers.map((viewer) => viewer.leave()));
    await eventually(
      'nobody watches the other gateway',
      () => again.resources(),
      ({ streams }) => streams === 0,
    );
    expect((await stateOf(gateway)).state).toBe('idle');
    const told = JSON.stringify([await gateway.events(), await stateOf(gateway), gateway.process.stdout]);
    expect(told).toContain(`grpc://${upstream.grpc}/demo`);
    expect(told).not.toContain('s3cret');
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(await again.stop()).toEqual({ code: 0, signal: null });
  });

  it('is trusted by the roots of the machine with grpcs, and by nothing else', async () => {
    const [cert, key, ca] = ['server.pem', 'server.key', 'ca.pem'].map(certificatePath);
    const upstream = await serve(
      '--config',
      configurationFile(
        `grpc:\n  tls: { cert: '${cert}', key: '${key}' }\ncameras:\n  - { id: demo, source: 'clip:' }\n`,
      ),
    );
    const config = configurationFile(
      `cameras:\n  - { id: front, source: 'grpcs://${upstream.grpc}/demo', ${QUICK} }\n`,
    );
    const args = [COMMAND, 'serve', '--config', config, '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const run = async (...environment: string[]): Promise<GatewayProcess> => {
      const gateway = new GatewayProcess(new TestProcess('env', [...environment, process.execPath, ...args]));
      await gateway.started();
      return gateway;
    };
    // grpc-js has a variable of its own for the machine's roots, which some machines set.
    const trusting = await run('-u', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', `NODE_EXTRA_CA_CERTS=${ca}`);
    expect((await new ViewerProcess(trusting, 'front').sees(3)).every(({ whole }) => whole)).toBe(true);
    const wary = await run();
    const viewer = new ViewerProcess(wary, 'front');
    await eventually(
      'it is tried',
      () => stateOf(wary),
      ({ lastError }) => lastError !== undefined,
    );
    expect(viewer.frames).toEqual([]);
  });
});

describe('a device that publishes', () => {
  const device = (gateway: GatewayProcess, name: string): TestProcess =>
    new TestProcess(process.execPath, [join(root, 'test/e2e/device.mjs'), gateway.grpc, 'front', name]);
  const words = (process: TestProcess): Record<string, unknown>[] =>
    process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('is seen; killed, its camera waits for another with all its viewers; ended in order, it is told what became of its frames', async () => {
    const gateway = await front('push:');
    const viewer = new ViewerProcess(gateway, 'front');
    const first = device(gateway, 'first');
    await viewer.sees(20);
    first.signal('SIGKILL');
    await first.end();
    await eventually(
      'the camera waits',
      () => stateOf(gateway),
      ({ state }) => state === 'backingOff' || state === 'opening',
    );
    expect(await gateway.resources()).toMatchObject({ viewers: 1, streams: 1 });

    const second = device(gateway, 'second');
    const before = viewer.frames.length;
    await viewer.sees(before + 20);
    second.signal('SIGTERM');
    await second.end();
    const [{ sent }, summary, end] = words(second) as [{ sent: number }, object, object];
    expect(summary).toMatchObject({ frames: sent, dropped: 0 });
    expect(end).toMatchObject({ ended: 0 });
    expect(viewer.frames.map(({ seq }) => seq)).toEqual(viewer.frames.map((_, at) => at + 1));
    await viewer.leave();
    await gateway.hasNobody();
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('gives way to the next for the same camera, and is told so', async () => {
    const gateway = await front('push:');
    const viewer = new ViewerProcess(gateway, 'front');
    const first = device(gateway, 'first');
    await viewer.sees(5);
    const second = device(gateway, 'second');
    await first.end();
    expect(words(first)).toEqual([
      { ended: 10, details: 'superseded: another publisher of camera "front" took the place' },
    ]);
    await viewer.sees(viewer.frames.length + 5);
    expect(second.running).toBe(true);
    expect((await stateOf(gateway)).attempts).toBe(1);
  });
});
