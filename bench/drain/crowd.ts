/** The process of the clients: each has said hello on its control stream, and counts what it is told. */
import { createGatewayClient } from '../../src/grpc/client.js';
import { answer } from '../peer.js';

export interface CrowdAsks {
  readonly connect: number;
  readonly left: { readonly told: number; readonly ended: number };
}

const PER_CONNECTION = 100;
let told = 0;
let ended = 0;

answer({
  /** Resolves when all are welcome, with how long that took. */
  connect: async ({ address, clients }: { address: string; clients: number }) => {
    const beganMs = performance.now();
    for (let at = 0; at < clients; at += PER_CONNECTION) {
      const client = createGatewayClient(address);
      const welcomes = Array.from({ length: Math.min(PER_CONNECTION, clients - at) }, (_, one) =>
        enter(client, `node-${at + one}`),
      );
      await Promise.all(welcomes);
    }
    return performance.now() - beganMs;
  },
  left: () => ({ told, ended }),
});

function enter(client: ReturnType<typeof createGatewayClient>, nodeId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.connect({
      message: ({ message }) => {
        if (message.case === 'welcome') resolve();
        if (message.case === 'bye') told += 1;
      },
      ended: ({ details }) => {
        ended += 1;
        reject(new Error(`"${nodeId}" was not let in: ${details}`));
      },
    });
    stream.send({ case: 'hello', value: { nodeId } });
  });
}
