/** The gateway as it is, whole, with a camera whose pictures the benchmark makes. Its operations are absent. */
import { type GatewayTree, gatewayTree } from '../src/application.js';
import { sourceFactory } from '../src/cameras/index.js';
import { type ConfigurationInput, configure } from '../src/configuration.js';
import type { FrameSource, SourceListener } from '../src/gateway/frame-source.js';
import type { LiveGateway } from '../src/gateway/live-gateway.js';
import type { GatewayOptions } from '../src/gateway/options.js';
import { encodeFrame } from '../src/grpc/frame-codec.js';
import { type GrpcServer, startGrpcServer } from '../src/grpc/server.js';
import type { TlsMaterial } from '../src/grpc/tls.js';
import { startApplication } from '../src/otp/application.js';
import { System } from '../src/otp/system.js';

export class BenchGateway {
  readonly tree: GatewayTree;
  readonly system: System;
  readonly server: GrpcServer;
  readonly #listeners: ReadonlyMap<string, SourceListener>;

  private constructor(
    tree: GatewayTree,
    system: System,
    server: GrpcServer,
    listeners: ReadonlyMap<string, SourceListener>,
  ) {
    this.tree = tree;
    this.system = system;
    this.server = server;
    this.#listeners = listeners;
  }

  static async start(input: ConfigurationInput, tls?: TlsMaterial): Promise<BenchGateway> {
    const listeners = new Map<string, SourceListener>();
    const system = new System();
    const options = configure(input) as GatewayOptions;
    const tree = gatewayTree({
      options,
      system,
      sources: (url, more, how) =>
        url.startsWith('bench:') ? heldSource(url, listeners) : sourceFactory(url, more, how),
      encode: encodeFrame,
      random: Math.random,
    });
    await startApplication('bench', tree.root([]), system);
    const log = { error: console.error, warn: console.warn };
    const server = await startGrpcServer({
      gateway: tree.live,
      host: '127.0.0.1',
      port: 0,
      // The receivers of a benchmark are too simple to answer in time while they are busy.
      keepalive: { timeMs: 600_000, timeoutMs: 60_000 },
      maxMessageBytes: 4 * 1024 * 1024,
      tls,
      log,
    });
    return new BenchGateway(tree, system, server, listeners);
  }

  get live(): LiveGateway {
    return this.tree.live;
  }

  /** A picture has come from a camera; nothing happens while nobody watches it. */
  publish(source: string, data: Buffer, timestampMs?: number): void {
    this.#listeners.get(source)?.picture({
      contentType: 'image/jpeg',
      data,
      ...(timestampMs === undefined ? {} : { timestampMs }),
    });
  }

  /** Of all viewers. */
  figures(): { readonly viewers: number; readonly sent: number; readonly drops: number } {
    const streams = this.live.streams();
    return {
      viewers: streams.length,
      sent: streams.reduce((sum, stream) => sum + stream.sent, 0),
      drops: streams.reduce((sum, stream) => sum + stream.drops, 0),
    };
  }
}

function heldSource(url: string, listeners: Map<string, SourceListener>): FrameSource {
  return {
    kind: 'bench',
    label: url,
    open: (listener) => {
      listeners.set(url, listener);
      setImmediate(() => listener.opened());
      return {
        close: async () => {
          listeners.delete(url);
        },
      };
    },
  };
}
