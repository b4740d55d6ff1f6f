/** A whole gateway for a test: the clip camera `demo`, free ports, and a stop that must leave nothing. */
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { createGateway, type GatewayHostOptions, type SluiceGateway } from '../../src/create-gateway.js';

export async function runGateway(
  options: GatewayHostOptions = {},
): Promise<{ gateway: SluiceGateway; address: string }> {
  const gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    cameras: [{ id: 'demo', source: 'clip:' }],
    logger: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(async () => {
    await gateway.stop({ deadlineMs: 2_000 });
    expect(gateway.census()).toEqual({});
  });
  await gateway.start();
  return { gateway, address: gateway.addresses.grpc as string };
}
