/**
 * The client manager and the sessions of a gateway as a closed model: the product's reducer and the product's charts, and
 * between them the least of a runtime that tells them of each other, in the order in which the product does. Messages go
 * through one queue, first in, first out, which is empty whenever something comes from outside; what the product does after an
 * `await` is a step of its own and may come at any time, as may the crash of the client manager.
 *
 * Three connections, two node ids, one crash of the client manager. Connections are used in order and the first takes the
 * first node id: the rest is the same by another name.
 */
import { emptyClientManager } from '../../machines/client-manager.js';
import type { ExitReason } from '../../machines/terms.js';
import { hasLeft } from '../../src/gateway/client.js';
import { type ChartState, clientChart, sessionChart } from './charts.js';
import { type ClientMessage, type NodeId, Runtime, type Session } from './runtime.js';

export class Model extends Runtime {
  // What the outside does

  hello(node: NodeId, resume: boolean): void {
    const index = this.connections.length;
    this.connections.push({
      node,
      at: 'sessionEnd',
      lost: false,
      before: -1,
      client: undefined,
      alive: false,
      exit: undefined,
      stream: 'none',
      control: false,
    });
    const session = this.sessions.get(node);
    if (!resume) this.#replace(index);
    else if (!session?.token || session.superseded || session.keeper.final) this.at(index).at = 'over';
    else this.#resume(index, session);
  }

  killClient(index: number): void {
    this.#clientEnded(index, 'killed');
  }

  killStream(index: number): void {
    this.#streamEnded(index, 'killed');
  }

  bye(index: number): void {
    this.#toClient(index, { type: 'client.bye' });
  }

  fire(node: NodeId, delay: 'grace' | 'attachTimeout'): boolean {
    const session = this.sessions.get(node);
    const event = session && sessionChart.delayed(session.keeper, delay);
    if (event) this.#toKeeper(node, event);
    return event !== undefined;
  }

  crashManager(): void {
    this.crashes += 1;
    this.manager = undefined;
    this.monitors.clear();
    this.queue = this.queue.filter(({ to }) => to !== 'manager');
  }

  // What the gateway does by and by

  /** The next message. */
  deliver(): void {
    const message = this.queue.shift();
    if (!message) return;
    switch (message.to) {
      case 'manager':
        this.apply({ type: 'process.down', ref: message.ref });
        break;
      case 'client':
        this.#toClient(message.connection, message.event);
        break;
      case 'stream':
        this.#streamEnded(message.connection, { shutdown: 'client_gone' });
        break;
      case 'session':
        this.#clientDown(message.connection, message.reason);
        break;
      case 'sessionEnd':
        this.#sessionEnds(message.node);
        break;
    }
  }

  restartManager(): void {
    this.manager = emptyClientManager({ clientsMax: this.clientsMax, streamsPerClientMax: 2 });
    for (const [node, { current, keeper }] of this.sessions) {
      const connection = this.at(current);
      if (keeper.final) continue;
      if (!connection.alive) {
        const { client } = connection;
        const mayReturn = !client || !this.left(current, connection.exit ?? 'killed');
        if (mayReturn && !keeper.name.startsWith('alive.connecting')) this.apply({ type: 'place.held', nodeId: node });
        continue;
      }
      this.apply({ type: 'client.connected', ref: `c${current}`, info: { nodeId: node, resumable: true } });
      if (connection.stream === 'alive' && connection.control)
        this.apply({ type: 'stream.stored', nodeId: node, stream: `s${current}` });
    }
  }

  /** The connect of this connection goes on, if what it waits for has come. @returns whether it had. */
  goOn(index: number): boolean {
    const connection = this.at(index);
    if (connection.lost && connection.at !== 'over') {
      connection.at = 'over';
      return true;
    }
    const session = this.sessions.get(connection.node);
    switch (connection.at) {
      case 'sessionEnd':
        // Whoever it waits for was told to go when it began to wait.
        if (session?.superseded) return false;
        this.#replace(index);
        return true;
      case 'clientEnd':
        if (this.at(connection.before).alive) return false;
        if (!session || session.keeper.final) connection.at = 'over';
        else this.#spawnClient(index);
        return true;
      case 'registration':
        if (!connection.alive) connection.at = 'over';
        else if (connection.client?.name.startsWith('alive.connected')) {
          if (!session || session.keeper.final) connection.at = 'over';
          else {
            connection.stream = 'alive';
            connection.at = 'stream';
          }
        } else return false;
        return true;
      case 'stream':
        this.#register(index);
        return true;
      default:
        return false;
    }
  }

  // The glue

  #replace(index: number): void {
    const connection = this.at(index);
    const session = this.sessions.get(connection.node);
    if (!session) {
      this.sessions.set(connection.node, {
        keeper: sessionChart.initial.state,
        current: index,
        superseded: false,
        token: false,
      });
      this.#spawnClient(index);
      return;
    }
    session.superseded = true;
    if (this.at(session.current).alive) this.#toClient(session.current, { type: 'client.superseded' });
    else this.#toKeeper(connection.node, { type: 'session.superseded' });
  }

  #resume(index: number, session: Session): void {
    const before = session.current;
    session.token = false;
    session.current = index;
    this.at(index).at = 'clientEnd';
    this.at(index).before = before;
    if (this.at(before).alive) this.#toClient(before, { type: 'client.superseded' });
  }

  #spawnClient(index: number): void {
    const connection = this.at(index);
    connection.at = 'registration';
    connection.alive = true;
    this.#clientStepped(index, clientChart.initial);
  }

  #register(index: number): void {
    const connection = this.at(index);
    connection.at = 'over';
    // A control stream that has ended before it was its client's is told now.
    if (connection.stream === 'alive') connection.control = true;
    else this.queue.push({ to: 'client', connection: index, event: { type: 'stream.closed', reason: 'killed' } });
    if (connection.stream !== 'alive' || !connection.alive) {
      this.queue.push({ to: 'stream', connection: index });
      return;
    }
    const refused = this.apply({ type: 'stream.stored', nodeId: connection.node, stream: `s${index}` });
    const session = this.sessions.get(connection.node);
    if (refused) this.queue.push({ to: 'stream', connection: index });
    else if (session?.current === index) session.token = true;
  }

  #toClient(index: number, event: ClientMessage): void {
    const { client, alive } = this.at(index);
    if (client && alive) this.#clientStepped(index, clientChart.step(client, event));
  }

  #clientStepped(
    index: number,
    { state, effects }: { readonly state: ChartState; readonly effects: readonly string[] },
  ): void {
    const connection = this.at(index);
    for (const effect of effects) {
      if (effect === 'registerClient') {
        const info = { nodeId: connection.node, resumable: true };
        const refused = this.apply({ type: 'client.connected', ref: `c${index}`, info });
        const event = refused
          ? { type: 'client.refused', reason: { shutdown: refused } }
          : { type: 'client.registered' };
        this.queue.push({ to: 'client', connection: index, event });
      } else if (effect === 'welcomeClient') {
        if (this.sessions.get(connection.node)?.current === index)
          this.#toKeeper(connection.node, { type: 'client.connected' });
      } else if (effect === 'sayBye') {
        this.apply({ type: 'client.disconnected', ref: `c${index}`, left: this.left(index, state.reason) });
        const control = connection.control;
        connection.control = false;
        if (control) this.#streamEnded(index, state.reason);
      }
    }
    connection.client = state;
    if (state.final) this.#clientEnded(index, state.reason);
  }

  #clientEnded(index: number, reason: ExitReason): void {
    const connection = this.at(index);
    if (!connection.alive) return;
    connection.alive = false;
    connection.exit = reason;
    this.apply({ type: 'client.disconnected', ref: `c${index}`, left: this.left(index, reason) });
    this.down(`c${index}`);
    this.queue.push({ to: 'session', connection: index, reason });
  }

  #streamEnded(index: number, reason: ExitReason): void {
    const connection = this.at(index);
    if (connection.stream !== 'alive') return;
    connection.stream = 'dead';
    this.down(`s${index}`);
    if (connection.control)
      this.queue.push({ to: 'client', connection: index, event: { type: 'stream.closed', reason } });
    connection.control = false;
  }

  #clientDown(index: number, reason: ExitReason): void {
    const { node } = this.at(index);
    // Whatever stream it has is told, whether the client manager was there to do it or not.
    this.queue.push({ to: 'stream', connection: index });
    if (this.sessions.get(node)?.current !== index) return;
    this.#toKeeper(node, { type: hasLeft(reason) ? 'client.left' : 'client.lost', reason });
  }

  #toKeeper(node: NodeId, event: { readonly type: string; readonly reason?: ExitReason }): void {
    const session = this.sessions.get(node);
    if (!session || session.keeper.final) return;
    session.keeper = sessionChart.step(session.keeper, event).state;
    if (session.keeper.final) this.queue.push({ to: 'sessionEnd', node });
  }

  /** Its supervisor stops whoever is left in it; then its entry and its place are given back. */
  #sessionEnds(node: NodeId): void {
    for (const [index, connection] of this.connections.entries()) {
      if (connection.node !== node) continue;
      connection.lost = connection.at !== 'over' && connection.at !== 'sessionEnd';
      this.#toClient(index, { type: 'supervisor.stop', reason: 'shutdown' });
      this.#streamEnded(index, 'shutdown');
    }
    this.apply({ type: 'place.released', nodeId: node });
    this.sessions.delete(node);
  }
}
