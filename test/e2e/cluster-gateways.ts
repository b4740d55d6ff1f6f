/** `sluice serve` as several processes on one NATS, and the engine seen from outside. */
import { onTestFinished } from 'vitest';
import type { Engine } from '../../src/cluster/engine.js';
import { openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { type OwnRecord, readOwnRecord } from '../../src/cluster/record.js';
import type { ClusterView } from '../../src/gateway/views.js';
import type { NatsServer } from '../cluster/nats-server.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';

/** With one server there are no elections, so leases are short here. */
export const TTL_MS = 3_000;
const MARGIN_MS = 500;

export const configurationOf = (node: string, nats: string, prefix: string, more = ''): string =>
  configurationFile(
    `node: { id: ${node} }\nlog: { level: silent }\ncluster: { nats: "${nats}", prefix: ${prefix}, ttlMs: ${TTL_MS}, marginMs: ${MARGIN_MS} }\n${more}`,
  );

export class ClusterGateway {
  readonly node: string;
  readonly process: GatewayProcess;

  constructor(node: string, process: GatewayProcess) {
    this.node = node;
    this.process = process;
  }

  /** Starts one and waits until it is up. */
  static async start(node: string, server: NatsServer, prefix: string, more = ''): Promise<ClusterGateway> {
    const gateway = new ClusterGateway(node, await serve('--config', configurationOf(node, server.url, prefix, more)));
    await gateway.is('up');
    return gateway;
  }

  get addresses(): { readonly grpc: string } {
    return this.process;
  }

  async view(): Promise<ClusterView> {
    return (await this.process.json<{ cluster: ClusterView }>('/api/cluster')).cluster;
  }

  async is(state: string): Promise<void> {
    await eventually(
      `${this.node} is ${state}`,
      () => this.view(),
      (view) => view.state === state,
    );
  }

  /** Sees so many nodes, itself included, all heard. */
  async sees(count: number): Promise<void> {
    await eventually(
      `${this.node} sees ${count}`,
      () => this.view(),
      ({ members }) => members.length === count && members.every(({ state }) => state === 'up'),
    );
  }

  async sessions(): Promise<readonly { readonly nodeId: string; readonly state: string }[]> {
    return (await this.process.json<{ sessions: { nodeId: string; state: string }[] }>('/api/sessions')).sessions;
  }

  /** The session of this user is in this state; `undefined`: there is none. */
  async hasSession(user: string, state: string | undefined): Promise<void> {
    await eventually(
      `${user} is ${state} at ${this.node}`,
      () => this.sessions(),
      (sessions) => sessions.find(({ nodeId }) => nodeId === user)?.state === state,
    );
  }

  async eventTypes(): Promise<readonly string[]> {
    return (await this.process.events()).map(({ type }) => type);
  }
}

/** Who owns what by the engine's own word. */
export class Records {
  readonly #engine: Engine;
  readonly #own = new Map<string, OwnRecord>();

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.watch('own', ({ key, value }) => void this.#own.set(key, readOwnRecord(value)));
  }

  static async open(server: NatsServer, prefix: string): Promise<Records> {
    const engine = await openNatsEngine({
      servers: [server.url],
      prefix,
      replicas: 1,
      storage: 'file',
      eraBump: 0,
      node: 'observer',
      ttlMs: TTL_MS,
      answerMs: 1_500,
    });
    const records = new Records(engine);
    onTestFinished(() => records.close());
    return records;
  }

  of(user: string): OwnRecord | undefined {
    return this.#own.get(`session.${user}`);
  }

  /** Keys whose record names this node. */
  ownedBy(node: string): readonly string[] {
    return [...this.#own].filter(([, record]) => record.node === node).map(([key]) => key);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
