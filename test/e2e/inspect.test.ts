/** `sluice serve --inspect`, as the one who types it sees it: the actors over a real WebSocket, or what is missing. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGatewayClient } from '../../src/grpc/client.js';
import { root } from '../house/source-files.js';
import { SeenActors } from '../inspector/seen-actors.js';
import { temporaryFolder } from './configuration-file.js';
import { eventually } from './eventually.js';
import { ANY_PORT, listens, serve } from './gateway-process.js';
import { TestProcess } from './processes.js';

describe('sluice serve --inspect', () => {
  it('prints where to look, and shows the actors there with their parents and states and without tokens', async () => {
    const gateway = await serve('--demo', '--inspect');
    const [, address = ''] = await gateway.process.printed(/^inspect +(http:\S+)$/m);
    const { host, port } = new URL(address);
    const seen = new SeenActors(port);
    const page = await (await fetch(address)).text();
    expect(page).toContain('<iframe');

    const client = createGatewayClient(gateway.grpc);
    const tokens = [new URL(gateway.page).hash.replace('#token=', '')];
    const control = client.connect({
      message: ({ message }) => void (message.case === 'welcome' && tokens.push(message.value.resumeToken)),
      ended: () => {},
    });
    control.send({ case: 'hello', value: { nodeId: 'n1' } });
    const frames = client.watch({ cameraId: 'demo' }, { message: () => {}, ended: () => {} }, { nodeId: 'n1' });
    const expected = {
      sluice: 'running',
      'sluice/core': 'running',
      'sluice/sessions': 'running',
      'sluice/sessions/session:n1': 'running',
      'sluice/sessions/session:n1/keeper': { alive: 'connected' },
    };
    await eventually(
      'the actors of a client that watches',
      () => Object.fromEntries([...seen.living].map(([path, { value }]) => [path, value])),
      (actors) =>
        Object.entries(expected).every(([path, value]) => JSON.stringify(actors[path]) === JSON.stringify(value)) &&
        'sluice/sessions/session:n1/client' in actors &&
        Object.keys(actors).some((path) => /^sluice\/sessions\/session:n1\/watch:\d$/.test(path)) &&
        JSON.stringify(actors['sluice/cameras/camera:demo']).includes('live'),
    );
    expect(tokens.filter((token) => token.length > 10)).toHaveLength(2);
    for (const token of tokens) expect(seen.text).not.toContain(token);

    frames.cancel();
    control.send({ case: 'bye', value: {} });
    await eventually('the end of its session', () => seen.living.has('sluice/sessions/session:n1') === false);
    client.close();
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(await listens(host)).toBe(false);
  });

  it('says in one line which package is missing, and ends with 2', async () => {
    const folder = withoutPeer();
    const main = join(folder, 'dist/src/cli/main.js');
    const asked = new TestProcess(process.execPath, [main, 'serve', ...ANY_PORT, '--demo', '--inspect']);
    expect(await asked.end()).toEqual({ code: 2, signal: null });
    expect(asked.stderr).toMatch(/^sluice serve: inspect: [^\n]*@statelyai\/inspect[^\n]*\n$/);
    expect(asked.stdout).not.toMatch(/^gRPC/m);
  });
});

/** The built package where everything is installed but the inspector. */
function withoutPeer(): string {
  const folder = temporaryFolder();
  for (const name of ['dist/src', 'dist/machines', 'package.json', 'proto']) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@statelyai') symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  return folder;
}
