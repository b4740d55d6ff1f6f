/** A viewer that takes no more after its first picture: it holds up whoever waits for it to have read. */
import { onTestFinished } from 'vitest';
import { createGatewayClient } from '../../src/grpc/client.js';
import { eventually } from './eventually.js';
import type { GatewayProcess } from './gateway-process.js';

/** Resolves when the gateway has noticed, and its stream stands still. */
export async function stuckViewer(gateway: GatewayProcess, cameraId: string): Promise<void> {
  const client = createGatewayClient(gateway.grpc, { windowBytes: 65_535 });
  onTestFinished(() => client.close());
  const stream = client.watch({ cameraId }, { message: () => stream.pause(), ended: () => {} }, { nodeId: 'stuck' });
  await eventually(
    'the stream of the viewer that does not read stands still',
    async () => (await gateway.streams()).find(({ nodeId }) => nodeId === 'stuck')?.state,
    (state) => /paused|stalled/.test(state ?? ''),
  );
}
