/** The process of the gateway that drains. */
import { pino } from 'pino';
import { createGateway } from '../../src/create-gateway.js';
import { answer, meter } from '../peer.js';

export interface DrainAsks {
  readonly listen: string;
  readonly clients: number;
  readonly stop: { readonly wallMs: number; readonly cpuMs: number; readonly left: number };
}

const gateway = createGateway({
  grpc: { port: 0 },
  http: { port: 0 },
  // A crowd that shares its core with the gateway is too slow to answer each heartbeat in time.
  session: { heartbeatMs: 60_000, inactivityMs: 600_000 },
  logger: pino({ level: 'silent' }),
});

answer({
  listen: async () => {
    await gateway.start();
    return gateway.addresses.grpc;
  },
  clients: () => gateway.resources().clients,
  stop: async ({ deadlineMs }: { deadlineMs: number }) => {
    const measured = meter();
    await gateway.stop({ deadlineMs });
    const { cpuUs, wallMs } = measured();
    const left = Object.values(gateway.census()).reduce((sum, count) => sum + Number(count), 0);
    return { wallMs, cpuMs: cpuUs / 1000, left };
  },
});
