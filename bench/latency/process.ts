/** The processes of the latency benchmark: the cameras, the gateway between, and the viewer. `process.js ROLE` */
import { createGatewayClient } from '../../src/grpc/client.js';
import { BenchGateway } from '../gateway.js';
import { answer, paced } from '../peer.js';

export interface Delays {
  readonly frames: number;
  /** Milliseconds, sorted: from the camera, from the gateway, and the difference of the two for the same frame. */
  readonly direct: readonly number[];
  readonly through: readonly number[];
  readonly added: readonly number[];
}

export interface LatencyAsks {
  readonly cameras: number;
  readonly between: number;
  readonly watch: undefined;
  readonly begin: undefined;
  readonly mark: undefined;
  readonly measure: Delays;
}

const FPS = 30;
const FRAME_BYTES = 20 * 1024;
/** One clock for all processes of a machine. */
const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);
const cameraOf = (n: number): string => `camera-${n}`;

let gateway: BenchGateway | undefined;
const came = { direct: new Map<string, number>(), through: new Map<string, number>() };

answer({
  cameras: async (count: number): Promise<number> => {
    const cameras = Array.from({ length: count }, (_, n) => ({ id: cameraOf(n), source: `bench:${n}` }));
    gateway = await BenchGateway.start({ cameras });
    return gateway.server.port;
  },
  begin: (count: number) => {
    const picture = Buffer.alloc(FRAME_BYTES, 7);
    // Each has its own moment, as cameras have.
    let turn = 0;
    paced(FPS * count, () => gateway?.publish(`bench:${turn++ % count}`, picture, nowUs()));
  },
  between: async ({ port, count }: { port: number; count: number }): Promise<number> => {
    const cameras = Array.from({ length: count }, (_, n) => ({
      id: cameraOf(n),
      source: `grpc://127.0.0.1:${port}/${cameraOf(n)}`,
    }));
    gateway = await BenchGateway.start({ cameras });
    return gateway.server.port;
  },
  watch: ({ direct, through, count }: { direct: number; through: number; count: number }) => {
    watchAll(direct, count, came.direct);
    watchAll(through, count, came.through);
  },
  mark: () => {
    came.direct.clear();
    came.through.clear();
  },
  measure: (): Delays => {
    const added: number[] = [];
    for (const [frame, atUs] of came.through) {
      const directUs = came.direct.get(frame);
      if (directUs !== undefined) added.push((atUs - directUs) / 1000);
    }
    return { frames: added.length, direct: delays(came.direct), through: delays(came.through), added: sorted(added) };
  },
});

function watchAll(port: number, count: number, seen: Map<string, number>): void {
  const client = createGatewayClient(`127.0.0.1:${port}`);
  for (let n = 0; n < count; n += 1) {
    client.watch(
      { cameraId: cameraOf(n) },
      { message: ({ cameraId, timestampMs }) => void seen.set(`${cameraId} ${timestampMs}`, nowUs()), ended: () => {} },
    );
  }
}

function delays(seen: ReadonlyMap<string, number>): readonly number[] {
  return sorted([...seen].map(([frame, atUs]) => (atUs - Number(frame.split(' ')[1])) / 1000));
}

function sorted(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}
