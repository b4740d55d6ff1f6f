/**
 * Uplinks over gRPC: each attempt leases a channel from the shared pool and makes its calls over the lease. An attempt that
 * follows one that hung goes over a channel of its own: a connection that a peer has stopped to serve looks sound for as long
 * as nobody asks it for anything, and grpc-js would hand it out again. The others who use the old one are left in peace.
 */
import type { AcquireOptions, Channels } from '../gateway/channels.js';
import type { Lease } from '../gateway/lease.js';
import type {
  UplinkAttempt,
  UplinkAttemptOptions,
  UplinkListener,
  UplinkTransport,
} from '../gateway/uplink-transport.js';
import type { GrpcChannel, GrpcChannelOptions } from './channel.js';

export interface GrpcUplinkOptions {
  readonly channels: Pick<Channels<GrpcChannel, GrpcChannelOptions>, 'acquire'>;
  /** `host:port` */
  readonly target: string;
  /** TLS, windows, and keepalive, which some servers punish when it is frequent. */
  readonly channel?: GrpcChannelOptions | undefined;
  /** Makes the calls of one attempt. All that it holds is acquired through `scope`. */
  readonly begin: (lease: Lease<GrpcChannel>, listener: UplinkListener, how: UplinkAttemptOptions) => UplinkAttempt;
}

/** Equal options are one channel, so that a number that nobody else has makes a new one. */
interface NumberedOptions extends GrpcChannelOptions {
  readonly generation?: number;
}

export class GrpcUplink implements UplinkTransport {
  readonly label: string;
  readonly #options: GrpcUplinkOptions;
  static #lastGeneration = 0;
  #generation = 0;

  constructor(options: GrpcUplinkOptions) {
    this.#options = options;
    this.label = options.target;
  }

  open(listener: UplinkListener, how: UplinkAttemptOptions): UplinkAttempt {
    if (how.fresh) {
      GrpcUplink.#lastGeneration += 1;
      this.#generation = GrpcUplink.#lastGeneration;
    }
    let attempt: UplinkAttempt | undefined;
    how.scope.task(async () => {
      try {
        const lease = await this.#options.channels.acquire(this.#options.target, this.#acquire(how));
        if (how.scope.closed) return;
        attempt = this.#options.begin(lease, listener, how);
      } catch (thrown) {
        listener.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
    return { beat: () => attempt?.beat() };
  }

  #acquire({ scope }: UplinkAttemptOptions): AcquireOptions<GrpcChannelOptions> {
    const channel: NumberedOptions = {
      ...this.#options.channel,
      ...(this.#generation === 0 ? {} : { generation: this.#generation }),
    };
    return { channel, scope };
  }
}
