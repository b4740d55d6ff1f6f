/** The process of one gateway under measurement: without its operations, with all but the recorder, or with all. */
import { pino } from 'pino';
import type { ControlWire } from '../../src/gateway/transport.js';
import { observe } from '../../src/observation.js';
import { startHttpServer } from '../../src/ops/http.js';
import { startChild } from '../../src/otp/supervisor-api.js';
import { BenchGateway } from '../gateway.js';
import { answer, meter, paced } from '../peer.js';
import { CAMERA } from '../relay/contender.js';

export type OpsKind = 'absent' | 'no recorder' | 'idle';

export interface OpsAsks {
  readonly listen: { readonly grpc: number; readonly http: number };
  readonly viewers: number;
  /** CPU milliseconds a second while nothing happens. */
  readonly rest: number;
  readonly relay: { readonly deliveries: number; readonly cpuUs: number };
  readonly churn: { readonly lives: number; readonly events: number; readonly cpuUs: number; readonly wallMs: number };
}

const SOURCE = 'bench:camera';
const gateway = await BenchGateway.start({
  cameras: [{ id: CAMERA, source: SOURCE, staleMs: 60_000, firstFrameMs: 60_000 }],
});
const { live, tree, system } = gateway;
let httpPort = 0;
const kind = process.argv[2] as OpsKind;
if (kind !== 'absent') {
  // As a gateway has them: a log of warnings, metrics, diagnostics, the actor that watches the loop, the HTTP server.
  const log = pino({ level: 'warn' }, { write: () => {} });
  const { metrics, watch } = observe({
    ...tree,
    system,
    log,
    ready: () => true,
    watchCollection: false,
    openTelemetry: {},
    flight: kind === 'idle',
  });
  if (system.root) await startChild(system.root.ref, watch);
  const http = await startHttpServer({ gateway: live, host: '127.0.0.1', port: 0, log, metrics });
  httpPort = http.port;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const wire: ControlWire = { send: (_word, done) => done && queueMicrotask(done), end: () => {} };
let lives = 0;

/** What the turn before has left behind is not this one's. */
function tidy(): void {
  globalThis.gc?.();
}

answer({
  listen: () => ({ grpc: gateway.server.port, http: httpPort }),
  viewers: () => gateway.figures().viewers,
  rest: async ({ measureMs }: { measureMs: number }) => {
    tidy();
    await wait(50);
    const cost = meter();
    await wait(measureMs);
    const { cpuUs, wallMs } = cost();
    return cpuUs / wallMs;
  },
  relay: async ({ bytes, fps, measureMs }: { bytes: number; fps: number; measureMs: number }) => {
    const picture = Buffer.alloc(bytes, 0x5a);
    const stop = paced(fps, () => gateway.publish(SOURCE, picture));
    tidy();
    await wait(150);
    const before = gateway.figures().sent;
    const cost = meter();
    await wait(measureMs);
    const { cpuUs } = cost();
    const deliveries = gateway.figures().sent - before;
    stop();
    return { deliveries, cpuUs };
  },
  /** Clients that come, are welcomed and leave, one after the other: each is a dozen events. */
  churn: async ({ count }: { count: number }) => {
    tidy();
    const present = live.sessions().length;
    const before = live.events().at(-1)?.id ?? 0;
    const cost = meter();
    for (let n = 0; n < count; n += 1) {
      lives += 1;
      const control = await live.connect({ ...HELLO, nodeId: `client-${lives}` }, wire);
      control.bye('done');
      if (n % 50 === 49) await wait(0);
    }
    while (live.sessions().length > present) await wait(1);
    const { cpuUs, wallMs } = cost();
    return { lives: count, events: (live.events().at(-1)?.id ?? 0) - before, cpuUs, wallMs };
  },
});

const HELLO = {
  nodeId: '',
  realm: '',
  role: 'client' as const,
  capabilities: [],
  endpoint: '',
  sessionId: '',
  packageName: '',
  resumeToken: '',
  ordinal: 0,
};
