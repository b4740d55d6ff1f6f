/** The gateway in a gRPC server that the host has already: nothing of it is less than on a port of ours. */
import { once } from 'node:events';
import { status as Code, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ca, edge, server as serverPair } from './certificates.js';
import { clientOf, controlInbox, frameInbox } from './harness.js';
import { healthCheck, healthWatch, rawClient, reflectionMethod, reflectionOf, statusOf, unary } from './raw-calls.js';
import { runGateway } from './running-gateway.js';

const bytes = (value: Buffer): Buffer => value;
const hosts: ServiceDefinition = {
  echo: {
    path: '/host.v1.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

type Options = Parameters<typeof runGateway>[0];

/** A server of the host's, with a service of its own and the gateway's. */
async function attached(
  options: Options = {},
  credentials = ServerCredentials.createInsecure(),
  before?: ServiceDefinition,
) {
  const { gateway } = await runGateway(options);
  const server = new Server();
  server.addService(hosts, {
    echo: (call: { request: Buffer }, reply: (e: null, v: Buffer) => void) => reply(null, call.request),
  });
  if (before)
    server.addService(before, {
      Check: (_: unknown, reply: (e: null, v: object) => void) => reply(null, { status: 'SERVING' }),
    });
  gateway.attach(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  onTestFinished(() => server.forceShutdown());
  return { gateway, server, address: `127.0.0.1:${port}` };
}

describe("the gateway in a server of the host's", () => {
  it("serves its calls beside the host's, with health and reflection", async () => {
    const { address, gateway } = await attached();
    expect(String(await unary(rawClient(address), '/host.v1.Echo/Say', Buffer.from('hello')))).toBe('hello');
    const [frames, control] = [frameInbox(), controlInbox()];
    const client = clientOf(address);
    client.watch({ cameraId: 'demo' }, frames.listener);
    expect((await frames.next()).cameraId).toBe('demo');
    client.connect(control.listener).send({ case: 'hello', value: { nodeId: 'edge-1' } });
    expect((await control.next()).message.case).toBe('welcome');
    expect(gateway.resources().clients).toBe(2);
    const answer = await unary(
      rawClient(address),
      healthCheck.path,
      healthCheck.requestSerialize({ service: 'camera/demo' }),
    );
    expect(healthCheck.responseDeserialize(answer)).toEqual({ status: 'SERVING' });
    const ask = await reflectionOf(address);
    const names = (await ask({ listServices: '*' })).listServicesResponse?.service.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['sluice.v1.Gateway', 'grpc.health.v1.Health']));
  });

  it('D-20 says how old the data of a camera is beside its health', async () => {
    const { address } = await attached();
    const frames = frameInbox();
    clientOf(address).watch({ cameraId: 'demo' }, frames.listener);
    await frames.next();
    const same = (bytes: Buffer): Buffer => bytes;
    const request = healthCheck.requestSerialize({ service: 'camera/demo' });
    const call = rawClient(address).makeUnaryRequest(healthCheck.path, same, same, request, () => {});
    const trailers = (await statusOf(call)).metadata.getMap();
    expect(trailers['sluice-data-state']).toBe('flowing');
    expect(Number(trailers['sluice-data-source-ms'])).toBeLessThan(5_000);
    expect(Number(trailers['sluice-data-camera-ms'])).toBeLessThan(5_000);
  });

  it('asks who calls, as its configuration says, and leaves the host alone', async () => {
    const token = 'planted-token';
    const auth = { tokens: [{ token, may: ['watch:demo', 'publish:yard'] }] };
    const { address, gateway } = await attached({ grpc: { port: 0, auth } });
    expect(String(await unary(rawClient(address), '/host.v1.Echo/Say', Buffer.from('hello')))).toBe('hello');
    const attempts = [
      [undefined, 'demo', Code.UNAUTHENTICATED],
      ['wrong', 'demo', Code.UNAUTHENTICATED],
      [token, 'other', Code.PERMISSION_DENIED],
    ] as const;
    for (const [given, cameraId, code] of attempts) {
      const refused = frameInbox();
      clientOf(address, { token: given }).watch({ cameraId }, refused.listener);
      expect((await refused.ended).code).toBe(code);
    }
    const posing = controlInbox();
    clientOf(address, { token })
      .connect(posing.listener)
      .send({ case: 'hello', value: { nodeId: 'edge-1' } });
    expect((await posing.ended).code).toBe(Code.PERMISSION_DENIED);
    const publishing = frameInbox();
    clientOf(address, { token })
      .publish(publishing.listener as never)
      .send({ cameraId: 'demo' });
    expect((await publishing.ended).code).toBe(Code.PERMISSION_DENIED);
    const reflection = rawClient(address).makeBidiStreamRequest(
      reflectionMethod.path,
      reflectionMethod.requestSerialize,
      bytes,
    );
    expect((await statusOf(reflection.resume())).code).toBe(Code.UNAUTHENTICATED);
    await unary(rawClient(address), healthCheck.path, healthCheck.requestSerialize({ service: '' }));
    const frames = frameInbox();
    clientOf(address, { token }).watch({ cameraId: 'demo' }, frames.listener);
    await frames.next();
    expect(JSON.stringify([gateway.tree(), gateway.resources()])).not.toContain(token);
  });

  it("knows a client by its certificate where the host's TLS asked for one", async () => {
    const credentials = ServerCredentials.createSsl(
      Buffer.from(ca),
      [{ cert_chain: Buffer.from(serverPair.cert), private_key: Buffer.from(serverPair.key) }],
      true,
    );
    // Of the gateway's own port only the authority matters here: it must be there where names are.
    const grpc = {
      port: 0,
      tls: { ...serverPair, ca },
      auth: { certificates: [{ name: 'edge-1', may: ['watch:demo'] }] },
    };
    const { address } = await attached({ grpc }, credentials);
    const frames = frameInbox();
    const client = clientOf(address, { tls: { ca, ...edge } });
    client.watch({ cameraId: 'demo' }, frames.listener);
    await frames.next();
    const refused = frameInbox();
    client.watch({ cameraId: 'other' }, refused.listener);
    expect((await refused.ended).code).toBe(Code.PERMISSION_DENIED);
  });

  it('leaves health to a host that has its own', async () => {
    const { address } = await attached({}, undefined, { Check: healthCheck });
    await unary(rawClient(address), healthCheck.path, healthCheck.requestSerialize({ service: 'whatever' }));
    const frames = frameInbox();
    clientOf(address).watch({ cameraId: 'demo' }, frames.listener);
    await frames.next();
  });

  it('is drained with the gateway: told, refused with a time to come back after, and the host goes on', async () => {
    const { gateway, address } = await attached();
    const [frames, control] = [frameInbox(), controlInbox()];
    const client = clientOf(address);
    client.watch({ cameraId: 'demo' }, frames.listener);
    await frames.next();
    client.connect(control.listener).send({ case: 'hello', value: { nodeId: 'edge-1' } });
    await control.next();
    const watch = rawClient(address).makeServerStreamRequest(
      healthWatch.path,
      healthWatch.requestSerialize,
      healthWatch.responseDeserialize as (answer: Buffer) => { status: string },
      { service: '' },
    );
    const verdicts: string[] = [];
    watch.on('data', ({ status }) => verdicts.push(status));
    const watched = statusOf(watch);
    await once(watch, 'data');
    await gateway.stop({ deadlineMs: 2_000 });
    expect((await frames.ended).code).toBe(Code.UNAVAILABLE);
    expect((await control.ended).code).toBe(Code.UNAVAILABLE);
    expect((await watched).code).toBe(Code.UNAVAILABLE);
    expect(verdicts).toEqual(['SERVING', 'NOT_SERVING']);
    const late = frameInbox();
    client.watch({ cameraId: 'demo' }, late.listener);
    const refusal = await late.ended;
    expect(refusal.code).toBe(Code.UNAVAILABLE);
    expect(refusal.details).toMatch(/^draining: /);
    expect(Number(refusal.metadata.get('grpc-retry-pushback-ms')[0])).toBeGreaterThan(0);
    expect(String(await unary(rawClient(address), '/host.v1.Echo/Say', Buffer.from('still here')))).toBe('still here');
  });
});
