/** Secrets planted in what callers send over gRPC: metadata, payloads and pictures. They are looked for wherever a gateway says anything. */
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FrameSchema } from '../../src/grpc/gen/sluice/v1/frame_pb.js';
import { CallRequestSchema, ClientMessageSchema, WatchRequestSchema } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { runGateway } from './running-gateway.js';

const SECRETS = {
  authorization: 'Bearer planted-bearer',
  'x-api-key': 'planted-api-key',
  cookie: 'session=planted-cookie',
  'x-secret-bin': Buffer.from('planted-binary'),
  'x-anything': 'planted-anything',
} as const;

const same = (bytes: Buffer): Buffer => bytes;
const encoded = (bytes: Uint8Array): Buffer => Buffer.from(bytes);

function planted(nodeId: string): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(SECRETS)) metadata.set(name, value);
  metadata.set('x-node-id', nodeId);
  return metadata;
}

describe('what callers send beside their messages, and in them', () => {
  it('D-25 is in no log line, no event, no recording and no page, whether they are served or refused', async () => {
    const said: string[] = [];
    const { gateway, address } = await runGateway({
      cameras: [
        { id: 'demo', source: 'clip:' },
        { id: 'door', source: 'push:' },
      ],
      logger: pino({ level: 'trace' }, { write: (line: string) => void said.push(line) }),
    });
    gateway.on('*', (event) => said.push(JSON.stringify(event)));
    const client = new Client(address, credentials.createInsecure());
    onTestFinished(() => client.close());
    const path = (method: string): string => `/sluice.v1.Gateway/${method}`;
    let received = 0;

    const control = client.makeBidiStreamRequest(path('Connect'), same, same, planted('user'));
    control
      .on('error', () => {})
      .on('data', () => {
        received += 1;
      });
    const say = (message: Parameters<typeof create<typeof ClientMessageSchema>>[1]): void =>
      void control.write(encoded(toBinary(ClientMessageSchema, create(ClientMessageSchema, message))));
    const payload = Buffer.from('planted-payload');
    say({ message: { case: 'hello', value: { nodeId: 'user', capabilities: ['planted-capability'] } } });
    say({ message: { case: 'subscribe', value: { pattern: 'news.*' } } });
    say({ message: { case: 'publish', value: { topic: 'news.today', payload } } });
    say({ message: { case: 'call', value: { id: '1', procedure: 'nobody.has', payload, timeoutMs: 100 } } });

    const watch = (cameraId: string) => {
      const request = encoded(toBinary(WatchRequestSchema, create(WatchRequestSchema, { cameraId })));
      const call = client.makeServerStreamRequest(path('Watch'), same, same, request, planted('user'));
      call.on('data', () => {
        received += 1;
      });
      return new Promise<void>((resolve) => call.on('error', () => resolve()));
    };
    void watch('demo');
    await watch('nobody');
    const call = encoded(
      toBinary(CallRequestSchema, create(CallRequestSchema, { procedure: 'nobody.has', payload, timeoutMs: 100 })),
    );
    await new Promise<void>((resolve) => {
      client.makeUnaryRequest(path('Call'), same, same, call, planted('user'), () => resolve());
    });
    const publish = client.makeClientStreamRequest(path('Publish'), same, same, planted('pusher'), () => {});
    publish.on('error', () => {});
    const data = Buffer.from('planted-picture');
    const frame = create(FrameSchema, { cameraId: 'door', seq: 1n, contentType: 'image/jpeg', data });
    publish.write(encoded(toBinary(FrameSchema, frame)));
    await vi.waitFor(() => expect(received).toBeGreaterThanOrEqual(5), { timeout: 10_000 });
    await vi.waitFor(() => expect(gateway.resources().streams).toBeGreaterThanOrEqual(3), { timeout: 10_000 });

    const base = gateway.addresses.http;
    const read = async (page: string): Promise<string> => {
      const answer = await fetch(`${base}${page}`);
      return `${page} ${JSON.stringify([...answer.headers])}${await answer.text()}`;
    };
    const lists = [
      'tree',
      'tree?rows=0',
      'actors?sort=age',
      'clients',
      'sessions',
      'streams',
      'services',
      'calls',
      'topics',
    ];
    const pages = ['/health', '/metrics', ...[...lists, 'events', 'leaks', 'cluster'].map((list) => `/api/${list}`)];
    const { actors } = (await (await fetch(`${base}/api/actors`)).json()) as { actors: readonly { id: string }[] };
    const ofActors = actors.flatMap(({ id }) =>
      ['', '/flight', '/flight?form=steps'].map((of) => `/api/actors/${encodeURIComponent(id)}${of}`),
    );
    const shown = await Promise.all([...pages, ...ofActors].map(read));
    control.cancel();
    publish.cancel();
    await gateway.stop({ deadlineMs: 0 });
    const everywhere = [...said, ...shown].join('\n');
    for (const there of ['user', 'pusher', 'news.*']) expect(everywhere).toContain(there);
    const found = /planted-(?!capability)[\w-]*/.exec(everywhere);
    expect(found && everywhere.slice(Math.max(0, found.index - 200), found.index + 60)).toBe(null);
  });
});
