/** The processes of those who watch: one that reads, or many that take nothing after their first frame. */
import { createGatewayClient } from '../../src/grpc/client.js';
import { answer } from '../peer.js';

const POLICIES = ['drop_oldest', 'drop_newest', 'latest', 'block', 'disconnect'];

export interface Read {
  readonly frames: number;
  readonly missed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ViewerAsks {
  readonly stand: undefined;
  readonly read: undefined;
  readonly figures: Read;
}

const delaysUs: number[] = [];
let lastSeq = 0;
let missed = 0;

answer({
  /** They take nothing. */
  stand: ({ port, cameraId, count }: { port: number; cameraId: string; count: number }) => {
    for (let n = 0; n < count; n += 1) {
      const overflow = POLICIES[n % POLICIES.length] as string;
      const client = createGatewayClient(`127.0.0.1:${port}`, { windowBytes: 65_535 });
      const listener = { message: () => stream.pause(), ended: () => {} };
      const stream = client.watch({ cameraId, overflow }, listener, { nodeId: `${process.pid}-${overflow}-${n}` });
    }
  },
  read: ({ port, cameraId }: { port: number; cameraId: string }) => {
    const client = createGatewayClient(`127.0.0.1:${port}`);
    client.watch(
      { cameraId },
      {
        message: ({ seq, timestampMs }) => {
          delaysUs.push((performance.timeOrigin + performance.now()) * 1000 - timestampMs);
          missed += seq - lastSeq - 1;
          lastSeq = seq;
        },
        ended: () => {},
      },
    );
  },
  figures: (): Read => {
    const sorted = [...delaysUs].sort((a, b) => a - b);
    const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? 0) / 1000;
    return { frames: sorted.length, missed, p50Ms: at(0.5), p99Ms: at(0.99) };
  },
});
