/**
 * The model's state, and the least of a runtime under it: one queue of messages, monitors that tell of an end exactly once, and
 * the client manager's reducer, whose effects become messages.
 */
import {
  type ClientManagerEvent,
  type ClientManagerState,
  type ClientManagerStep,
  emptyClientManager,
} from '../../machines/client-manager.js';
import type { ExitReason } from '../../machines/terms.js';
import { hasLeft } from '../../src/gateway/client.js';
import type { ChartState } from './charts.js';

export const CONNECTIONS = 3;
export const NODES = ['n1', 'n2'] as const;
export type NodeId = (typeof NODES)[number];

export interface Connection {
  readonly node: NodeId;
  /** What its connect waits for; `over` when it has its answer. */
  at: 'sessionEnd' | 'clientEnd' | 'registration' | 'stream' | 'welcome' | 'over';
  /** The session that it connects to has ended meanwhile. */
  lost: boolean;
  /** The connection whose client has to be gone before a resume goes on. */
  before: number;
  client: ChartState | undefined;
  alive: boolean;
  exit: ExitReason | undefined;
  stream: 'none' | 'alive' | 'dead';
  control: boolean;
}

export interface Session {
  keeper: ChartState;
  /** The connection whose client it is. */
  current: number;
  superseded: boolean;
  /** The token that its client was told opens it. */
  token: boolean;
}

export type Message =
  | { readonly to: 'manager'; readonly ref: string }
  | { readonly to: 'session'; readonly connection: number; readonly reason: ExitReason }
  | { readonly to: 'sessionEnd'; readonly node: NodeId }
  | { readonly to: 'client'; readonly connection: number; readonly event: ClientMessage }
  | { readonly to: 'stream'; readonly connection: number };

export interface ClientMessage {
  readonly type: string;
  readonly reason?: ExitReason;
}

/** The client manager's reducer, or one that a test has bent. */
export type Reducer = (
  state: ClientManagerState<string>,
  event: ClientManagerEvent<string>,
) => ClientManagerStep<string>;

export abstract class Runtime {
  connections: Connection[] = [];
  sessions = new Map<NodeId, Session>();
  queue: Message[] = [];
  manager: ClientManagerState<string> | undefined;
  monitors = new Set<string>();
  crashes = 0;
  readonly clientsMax: number;
  readonly reduce: Reducer;

  constructor(clientsMax: number, reduce: Reducer) {
    this.clientsMax = clientsMax;
    this.reduce = reduce;
    this.manager = emptyClientManager({ clientsMax, streamsPerClientMax: 2 });
  }

  /** Takes messages out of the queue that can do nothing any more: what differs in them alone is the same. */
  prune(): void {
    this.queue = this.queue.filter((message) => {
      if (message.to === 'client') return this.at(message.connection).alive;
      if (message.to === 'stream') return this.at(message.connection).stream === 'alive';
      if (message.to === 'session') {
        const { node, stream } = this.at(message.connection);
        return this.sessions.get(node)?.current === message.connection || stream === 'alive';
      }
      return true;
    });
  }

  protected at(index: number): Connection {
    return this.connections[index] as Connection;
  }

  /** Whoever makes room for its own return has not left. */
  protected left(index: number, reason: ExitReason): boolean {
    const returning = this.connections.some(({ at, before }) => at === 'clientEnd' && before === index);
    return hasLeft(reason) && !returning;
  }

  /** A process has ended: whoever monitors it will hear of it. */
  protected down(ref: string): void {
    if (this.monitors.delete(ref)) this.queue.push({ to: 'manager', ref });
  }

  protected isAlive(ref: string): boolean {
    const connection = this.at(Number(ref.slice(1)));
    return ref.startsWith('c') ? connection.alive : connection.stream === 'alive';
  }

  protected apply(event: ClientManagerEvent<string>): string | undefined {
    if (!this.manager) return 'noproc';
    const { refused, effects } = this.reduce(this.manager, event);
    for (const effect of effects) {
      const { ref } = effect;
      if (effect.type === 'monitor') {
        this.monitors.add(ref);
        if (!this.isAlive(ref)) this.down(ref);
      } else if (effect.type === 'demonitor') {
        this.monitors.delete(ref);
        this.queue = this.queue.filter((message) => message.to !== 'manager' || message.ref !== ref);
      } else if (ref.startsWith('c')) {
        this.queue.push({ to: 'client', connection: Number(ref.slice(1)), event: { type: 'client.superseded' } });
      } else this.queue.push({ to: 'stream', connection: Number(ref.slice(1)) });
    }
    return refused;
  }
}
