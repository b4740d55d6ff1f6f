/** The process of one server under measurement. `server.js KIND` */
import { answer, meter, paced } from '../peer.js';
import type { Contender } from './contender.js';
import { GrpcJsRelay } from './grpc-js.js';
import { OwnHttp2Relay } from './own-http2.js';
import { RawTcp } from './raw-tcp.js';
import { SluiceRelay } from './sluice.js';

const CONTENDERS: Readonly<Record<string, () => Contender>> = {
  naive: () => new GrpcJsRelay(false),
  'pass-through': () => new GrpcJsRelay(true),
  http2: () => new OwnHttp2Relay(),
  tcp: () => new RawTcp(),
  sluice: () => new SluiceRelay(),
};

const contender = (CONTENDERS[process.argv[2] ?? ''] as () => Contender)();

export interface Measured {
  readonly deliveries: number;
  readonly cpuUs: number;
  readonly wallMs: number;
  readonly drops: number;
  readonly rssBytes: number;
}

export interface RelayAsks {
  readonly listen: number;
  readonly viewers: number;
  readonly begin: undefined;
  readonly mark: undefined;
  readonly measure: Measured;
}

let stop = (): void => {};
let before = { deliveries: 0, drops: 0 };
let measured = meter();

answer({
  listen: () => contender.listen(),
  viewers: () => contender.viewers(),
  /** Publishes from here on; what is measured begins with `mark`. */
  begin: ({ bytes, fps }: { bytes: number; fps: number }) => {
    const picture = Buffer.alloc(bytes, 0x5a);
    stop = paced(fps, () => contender.publish(picture));
  },
  mark: () => {
    before = { deliveries: contender.delivered(), drops: contender.dropped() };
    measured = meter();
  },
  measure: (): Measured => {
    const cost = measured();
    const result = {
      ...cost,
      deliveries: contender.delivered() - before.deliveries,
      drops: contender.dropped() - before.drops,
      rssBytes: process.memoryUsage().rss,
    };
    stop();
    return result;
  },
});
