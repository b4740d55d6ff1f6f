/** The gateway of the slow readers, with a camera of 100 KiB at 30 fps. */
import { BenchGateway } from '../gateway.js';
import { answer, paced } from '../peer.js';

export const CAMERA = 'wall';
const SOURCE = 'bench:wall';
const FPS = 30;
const FRAME_BYTES = 100 * 1024;

export interface PolicyFigures {
  readonly viewers: number;
  readonly sent: number;
  readonly queued: number;
  readonly drops: number;
  /** Viewers whose frames are not all accounted for: sent, queued, dropped, and one in flight. */
  readonly amiss: number;
}

export interface SlowReadersAsks {
  readonly listen: number;
  readonly viewers: number;
  readonly begin: undefined;
  /** Ends the pictures. @returns how many there were. */
  readonly end: number;
  readonly figures: Readonly<Record<string, PolicyFigures>>;
  readonly rssBytes: number;
}

const gateway = await BenchGateway.start({
  cameras: [{ id: CAMERA, source: SOURCE, staleMs: 600_000, firstFrameMs: 600_000 }],
  // Those that take nothing are to stay: what they cost is what is measured.
  stream: { stallMs: 600_000 },
});
const picture = Buffer.alloc(FRAME_BYTES, 7);
let published = 0;
let stop = (): void => {};

answer({
  listen: () => gateway.server.port,
  viewers: () => gateway.figures().viewers,
  begin: () => {
    stop = paced(FPS, () => {
      published += 1;
      // In microseconds: the reader subtracts it from its own clock, on the same machine.
      gateway.publish(SOURCE, Buffer.from(picture), Math.round((performance.timeOrigin + performance.now()) * 1000));
    });
  },
  end: () => {
    stop();
    return published;
  },
  figures: () => {
    const figures: Record<string, PolicyFigures> = {};
    for (const { nodeId, sent, queued, drops } of gateway.live.streams()) {
      const policy = nodeId.startsWith('anon-') ? 'reads' : (nodeId.split('-')[1] as string);
      const before = figures[policy] ?? { viewers: 0, sent: 0, queued: 0, drops: 0, amiss: 0 };
      const accounted = sent + queued + drops + (queued > 0 ? 1 : 0);
      figures[policy] = {
        viewers: before.viewers + 1,
        sent: before.sent + sent,
        queued: before.queued + queued,
        drops: before.drops + drops,
        amiss: before.amiss + (accounted === published || policy === 'block' ? 0 : 1),
      };
    }
    return figures;
  },
  rssBytes: () => {
    globalThis.gc?.();
    return process.memoryUsage().rss;
  },
});
