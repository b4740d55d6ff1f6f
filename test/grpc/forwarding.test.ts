/**
 * Calls that go on to another gateway, over real gRPC: `east` has a provider that asks `west` for its caller, over a channel
 * of east's pool. What the statements call a remote client is one of the other gateway.
 */
import { create } from '@bufbuild/protobuf';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SluiceGateway } from '../../src/create-gateway.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import { HOPS_HEADER } from '../../src/grpc/call.js';
import { callOver } from '../../src/grpc/channel.js';
import { createGatewayClient, type GatewayClient } from '../../src/grpc/client.js';
import { CallRequestSchema } from '../../src/grpc/gen/sluice/v1/gateway_pb.js';
import { gatewayService } from '../../src/grpc/services.js';
import { nobody } from './channel-peers.js';
import { runGateway } from './running-gateway.js';

type Answer = { readonly payload: Uint8Array } | { readonly code: string };

interface Call {
  readonly id: string;
  readonly payload: Uint8Array;
}

function clientOf(address: string): GatewayClient {
  const client = createGatewayClient(address);
  onTestFinished(() => client.close());
  return client;
}

/** Somebody who provides `add`. */
async function provide(address: string, nodeId: string, answer: (call: Call) => Promise<Answer>): Promise<void> {
  const client = clientOf(address);
  await new Promise<void>((declared) => {
    const control = client.connect({
      message: ({ message }) => {
        if (message.case === 'heartbeat') declared();
        if (message.case !== 'call') return;
        const { id } = message.value;
        void answer(message.value).then((given) => {
          const said = 'payload' in given ? given : { error: { code: given.code, message: 'on purpose' } };
          control.send({ case: 'reply', value: { id, ...said } });
        });
      },
      ended: () => {},
    });
    control.send({ case: 'hello', value: { nodeId } });
    control.send({ case: 'register', value: { procedure: 'add' } });
    // Its answer says that what was declared before is in effect.
    control.send({ case: 'heartbeat', value: { timestampMs: 1n } });
  });
}

/** Puts the call to the gateway at `target`, over a channel of this gateway's. */
async function forward(gateway: SluiceGateway, target: string, { payload }: Call): Promise<Answer> {
  const { path, requestSerialize, responseDeserialize } = gatewayService.call;
  const metadata = new Metadata();
  metadata.set(HOPS_HEADER, '1');
  try {
    using lease = await gateway.channels.acquire(target);
    return await new Promise<Answer>((resolve, reject) => {
      callOver(lease, (client) =>
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(CallRequestSchema, { procedure: 'add', payload }),
          metadata,
          (error, reply) => (reply ? resolve({ payload: reply.payload }) : reject(error)),
        ),
      );
    });
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code };
    return { code: (error as ServiceError).details.split(':')[0] as string };
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (payload: Uint8Array): string => Buffer.from(payload).toString();

/** What whoever asks `add` of this gateway is told. */
async function asked(address: string, timeoutMs = 0): Promise<string> {
  try {
    return text(await clientOf(address).call({ procedure: 'add', payload: bytes('1 2'), timeoutMs }));
  } catch (error) {
    return (error as ServiceError).details.split(':')[0] as string;
  }
}

const echo = async ({ payload }: Call): Promise<Answer> => ({ payload: bytes(`west: ${text(payload)}`) });

describe('a call that another gateway answers', () => {
  it('M-T6 M-T9 M-T11 is forwarded, and its reply comes back to whoever asked the first', async () => {
    const [east, west] = [await runGateway(), await runGateway()];
    await provide(west.address, 'worker', echo);
    await provide(east.address, 'forwarder', (call) => forward(east.gateway, west.address, call));
    expect(await asked(east.address)).toBe('west: 1 2');
    expect([east.gateway.resources().calls, west.gateway.resources().calls]).toEqual([0, 0]);
  });

  it('M-T10 fails there, and its error comes back with the same code', async () => {
    const [east, west] = [await runGateway(), await runGateway()];
    await provide(west.address, 'worker', async () => ({ code: 'no_numbers' }));
    await provide(east.address, 'forwarder', (call) => forward(east.gateway, west.address, call));
    expect(await asked(east.address)).toBe('no_numbers');
  });

  it('M-T12 cannot be forwarded to a gateway that is not there, which is said at once', async () => {
    const east = await runGateway();
    const target = await nobody();
    await provide(east.address, 'forwarder', (call) => forward(east.gateway, target, call));
    expect(await asked(east.address)).toBe('channel_failed');
    expect(east.gateway.resources().calls).toBe(0);
  });

  it('M-T13 cannot be forwarded to what is no address', async () => {
    const east = await runGateway();
    await provide(east.address, 'forwarder', (call) => forward(east.gateway, 'not an address', call));
    expect(await asked(east.address)).toBe('invalid_argument');
  });
});

describe('a call that this gateway answers', () => {
  it('M-T5 M-T8 comes back to whoever asked it', async () => {
    const { address } = await runGateway();
    await provide(address, 'worker', echo);
    expect(await asked(address)).toBe('west: 1 2');
  });

  it('M-T7 M-T8 is answered when its caller has gone: the reply is dropped, and the provider answers the next', async () => {
    const { address, gateway } = await runGateway();
    let reply: (answer: Answer) => void = () => {};
    const held = new Promise<void>((arrived) => {
      void provide(address, 'worker', (call) => {
        if (text(call.payload) !== 'held') return echo(call);
        arrived();
        return new Promise((resolve) => {
          reply = resolve;
        });
      });
    });
    await expect.poll(() => gateway.services.views().length).toBe(1);
    const abort = new AbortController();
    const lost = clientOf(address).call({ procedure: 'add', payload: bytes('held') }, { signal: abort.signal });
    lost.catch(() => {});
    await held;
    abort.abort();
    await expect(lost).rejects.toThrow();
    await expect.poll(() => gateway.resources().calls).toBe(0);
    reply({ payload: bytes('too late') });
    expect(await asked(address)).toBe('west: 1 2');
  });
});
