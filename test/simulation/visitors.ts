/** The clients: they connect, come back with a token or without, beat or fall silent, and leave in every way there is. */
import type { Hello } from '../../src/gateway/transport.js';
import type { Stage } from './stage.js';
import { Tokens } from './tokens.js';
import { SimulatedControl } from './wires.js';
import type { Connection } from './world.js';

export const NODES = ['ann', 'bob', 'cid', 'dan', 'eve'];
const BEAT_MS = 5_000;

export type Loss = 'silence' | 'bye' | 'cancel' | 'halfClose' | 'fail' | 'deadline';

export class Visitors {
  readonly tokens: Tokens;
  /** Called with everybody who says hello. */
  onMet: (connection: Connection) => void = () => {};
  readonly #stage: Stage;
  #ordinal = 0;
  #lastBeatMs = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.tokens = new Tokens(stage.world);
  }

  connect(more: Partial<Hello>): Connection {
    const nodeId = more.nodeId ?? this.#stage.dice.pick(NODES) ?? '';
    const ordinal = this.#stage.dice.chance(0.5) ? 0 : this.#nextOrdinal();
    const endpoint = this.#stage.dice.chance(0.3) ? (this.#stage.dice.pick(['east', 'west']) ?? '') : '';
    const hello: Hello = { ...HELLO, nodeId, ordinal, endpoint, ...more };
    const ask = this.#stage.newAsk(`hello-${nodeId}`);
    const wire = new SimulatedControl(
      ask.label,
      this.#stage.world.breach,
      this.#stage.reading(),
      this.#stage.world.clock,
    );
    const connection: Connection = { ...ask, hello, wire, silent: this.#stage.dice.chance(0.15), control: undefined };
    const token = hello.resumeToken === '' ? '' : ' with a token';
    this.#stage.note(`${ask.label} says hello${token}, ordinal ${hello.ordinal}`);
    this.#stage.world.connections.push(connection);
    this.tokens.said(connection);
    this.onMet(connection);
    this.#stage.world.ask(connection, this.#stage.world.tree.live.connect(hello, wire), (control) => {
      connection.control = control as Connection['control'];
    });
    return connection;
  }

  /** With a token of anybody's, whenever it was given, and an ordinal of any time. */
  late(): void {
    this.connect({ resumeToken: this.#anyToken(), ordinal: this.#stage.dice.int(0, this.#ordinal) });
  }

  resume(): void {
    const nodeId = this.#stage.dice.pick(NODES) ?? '';
    const latest = this.#stage.world.connections.findLast(({ hello, wire }) => hello.nodeId === nodeId && wire.welcome);
    if (latest?.wire.welcome) this.connect({ nodeId, resumeToken: latest.wire.welcome.resumeToken });
    else this.connect({ nodeId, resumeToken: '' });
  }

  #anyToken(): string {
    const welcomed = this.#stage.world.connections.filter(({ wire }) => wire.welcome);
    return this.#stage.dice.pick(welcomed)?.wire.welcome?.resumeToken ?? 'never issued';
  }

  #nextOrdinal(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  lose(how: Loss): void {
    const connection = this.#stage.dice.pick(this.#stage.world.connections.filter(({ control }) => control));
    const control = connection?.control;
    if (!connection || !control) return;
    // Most are still there; a report of one that has ended must do nothing.
    if (connection.wire.ended !== undefined && this.#stage.dice.chance(0.8)) return;
    this.#stage.note(`${connection.label}: ${how}`);
    if (how === 'silence') connection.silent = true;
    else if (how === 'bye') control.bye('simulated');
    else if (how === 'cancel') control.peerCancelled();
    else if (how === 'halfClose') control.peerHalfClosed();
    else if (how === 'deadline') control.deadlineExceeded();
    else control.failed(new Error('simulated: connection reset'));
  }

  beat(): void {
    const { connections, clock } = this.#stage.world;
    if (clock.now() - this.#lastBeatMs < BEAT_MS) return;
    this.#lastBeatMs = clock.now();
    for (const { silent, control, wire, label } of connections) {
      if (silent || wire.ended !== undefined || !control) continue;
      control.heartbeat(clock.now());
      // Whatever waits behind it, a beat is answered at once.
      if (wire.ended === undefined && !wire.bye && wire.lastBeatMs !== clock.now())
        this.#stage.world.breach(`I-control: ${label} beat and was not answered`);
      if (wire.welcome) this.#stage.world.heardAtMs.set(wire.welcome.sessionId, clock.now());
    }
  }
}

const HELLO: Hello = {
  nodeId: '',
  realm: '',
  role: 'client',
  capabilities: [],
  endpoint: '',
  sessionId: '',
  packageName: '',
  resumeToken: '',
  ordinal: 0,
};
