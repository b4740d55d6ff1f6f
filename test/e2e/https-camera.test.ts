/** A camera over HTTPS, whose certificate an authority of the site has signed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { part, pictures } from '../cameras/corpus.js';
import { certificatePath, server as pair } from '../grpc/certificates.js';
import { eventually } from './eventually.js';
import { serve } from './gateway-process.js';
import { ViewerProcess } from './viewer-process.js';

const CREDENTIALS = 'Basic YWRtaW46cjFnaHQ=';

async function camera(): Promise<{ readonly address: string; readonly open: () => number }> {
  const sockets = new Set<Socket>();
  const server = createServer(pair, (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.authorization !== CREDENTIALS) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=ffmpeg' });
    let n = 0;
    const timer = setInterval(() => response.write(part(pictures[n % 5] as Buffer, n++)), 20);
    response.once('close', () => clearInterval(timer));
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}/video`, open: () => sockets.size };
}

/** Runs a gateway whose Node knows this authority. */
async function knowing(authority: string | undefined, ...args: readonly string[]) {
  const before = process.env['NODE_EXTRA_CA_CERTS'];
  if (authority !== undefined) process.env['NODE_EXTRA_CA_CERTS'] = authority;
  try {
    return await serve(...args);
  } finally {
    if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
    else process.env['NODE_EXTRA_CA_CERTS'] = before;
  }
}

describe('a camera over https', () => {
  it('is watched with the credentials of its URL where its authority is known', async () => {
    const { address, open } = await camera();
    const gateway = await knowing(certificatePath('ca.pem'), '--camera', `yard=https://admin:r1ght@${address}`);
    const viewer = new ViewerProcess(gateway, 'yard');
    const frames = await viewer.sees(10);
    expect(frames.every(({ whole }) => whole)).toBe(true);
    expect(await gateway.camera('yard')).toMatchObject({ state: 'live', source: `https://${address}` });
    expect(open()).toBe(1);
    expect(await viewer.leave()).toBe(0);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    await eventually('its connection is closed', () => open() === 0);
  });

  it('is not believed without it, and tried again', async () => {
    const { address } = await camera();
    const gateway = await knowing(undefined, '--camera', `yard=https://admin:r1ght@${address}`);
    const viewer = new ViewerProcess(gateway, 'yard');
    const { lastError } = await eventually(
      'it has tried again',
      () => gateway.camera('yard'),
      ({ attempts }) => attempts >= 2,
    );
    expect(lastError).toMatch(/unable to verify|self.signed|certificate/i);
    expect(lastError).not.toContain('r1ght');
    await viewer.leave();
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('is given up where it refuses the credentials', async () => {
    const { address } = await camera();
    const gateway = await knowing(certificatePath('ca.pem'), '--camera', `yard=https://admin:wr0ng@${address}`);
    const viewer = new ViewerProcess(gateway, 'yard');
    await viewer.process.end();
    expect(await gateway.camera('yard')).toMatchObject({
      state: 'failed',
      lastError: `https://${address}: credentials refused (status 401)`,
      attempts: 1,
    });
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(gateway.process.stdout).not.toContain('wr0ng');
  });
});
