/**
 * Those who provide procedures and those who call them, over Connect and outside it. A provider answers, late, wrongly, twice
 * or never, or goes. Every call has its one end in time; what stands at the desks belongs to somebody alive.
 */
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { Session } from '../../src/gateway/session.js';
import type { StreamBody } from '../../src/gateway/stream.js';
import { SERVICES_MAX, SWEEP_MS } from './limits.js';
import type { Stage } from './stage.js';
import { NODES } from './visitors.js';
import { type Question, SimulatedCall } from './wires.js';
import type { Ask, Connection, Watch } from './world.js';

const PROCEDURES = ['add', 'sort'];
const ATTEMPTS = 3;
const CALL_MS = 5_000;

interface Registration {
  ttlMs: number;
  atMs: number;
}

interface Made extends Ask {
  readonly text: string;
  readonly timeoutMs: number;
  /** The sessions that were asked. */
  readonly asked: Set<string>;
}

export class Workers {
  readonly #stage: Stage;
  readonly #registered = new Map<Session, Map<string, Registration>>();
  readonly #unsure = new Set<Session>();
  readonly #calls = new Map<string, Made>();
  /** When a session was asked for a procedure last. */
  readonly #usedAtMs = new Map<string, number>();
  #made = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.world.checks.push(
      () => this.#serviceFaults(),
      () => this.#expiryFaults(),
      () => this.#callFaults(),
    );
  }

  /** Somebody new: questions are answered as chance has it, replies are held against what was asked. */
  met(connection: Connection): void {
    const { wire } = connection;
    wire.onQuestion = (question) => this.#asked(connection, question);
    wire.onReply = ({ id, payload, error }) => {
      const made = this.#calls.get(id);
      if (made) this.#answered(made, error?.code, Buffer.from(payload).toString());
    };
  }

  register(): void {
    const { connection, session } = this.#stage.speaker();
    const { dice, world } = this.#stage;
    const procedure = dice.pick(PROCEDURES) ?? '';
    const ttlMs = dice.pick([0, 12_000, 25_000]) ?? 0;
    if (!connection?.control || !session) return;
    this.#stage.note(`${connection.label} registers ${procedure} for ${ttlMs} ms`);
    if (!this.#stage.calm) this.#unsure.add(session);
    const mine = this.#of(session);
    try {
      connection.control.register(procedure, ttlMs);
      mine.set(procedure, { ttlMs: ttlMs || world.options.services.ttlMs, atMs: world.clock.now() });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (this.#stage.calm && world.tree.board.services.counts.services < SERVICES_MAX)
        world.breach(`${connection.label} was refused a registration: ${error.message}`);
    }
  }

  unregister(): void {
    const { connection, session } = this.#stage.speaker();
    if (!connection?.control || !session) return;
    const procedure = this.#stage.dice.pick(PROCEDURES) ?? '';
    this.#stage.note(`${connection.label} unregisters ${procedure}`);
    if (!this.#stage.calm) this.#unsure.add(session);
    connection.control.unregister(procedure);
    this.#of(session).delete(procedure);
  }

  call(): void {
    const { connection } = this.#stage.speaker();
    const { dice, world } = this.#stage;
    const procedure = this.#procedure();
    const timeoutMs = dice.pick([0, 300, 2_000]) ?? 0;
    if (!connection?.control) return;
    const made = this.#make(`call-${procedure}`, timeoutMs);
    this.#calls.set(made.label, made);
    world.asks.push(made);
    this.#stage.note(`${connection.label} makes ${made.label}, ${made.timeoutMs} ms`);
    connection.control.call({ id: made.label, procedure, payload: Buffer.from(made.text), timeoutMs });
    connection.wire.onEnded.push(() => {
      if (made.answer !== 'none') return;
      made.answer = 'refused';
      made.code = 'caller gone';
    });
  }

  /** Outside Connect, in somebody's name or in nobody's. */
  callOnce(): void {
    const { dice, world } = this.#stage;
    const nodeId = dice.chance(0.4) ? undefined : (dice.pick(NODES) ?? '');
    const procedure = this.#procedure();
    const timeoutMs = dice.pick([0, 300, 2_000]) ?? 0;
    const made = this.#make(`unary-${procedure}`, timeoutMs);
    this.#calls.set(made.label, made);
    this.#stage.note(`${made.label} is made by ${nodeId ?? 'nobody'}`);
    const wire = new SimulatedCall(made.label, world.breach, this.#stage.reading(), world.clock);
    const watch: Watch = { ...made, wire, stream: undefined };
    world.watches.push(watch);
    wire.onEnded.push(() => {
      const { outcome } = wire;
      if (!outcome) made.answer = 'refused';
      else if (outcome.type === 'answered') this.#answered(made, undefined, Buffer.from(outcome.payload).toString());
      else this.#answered(made, outcome.code, '');
    });
    const request = { procedure, payload: Buffer.from(made.text), timeoutMs, hops: 0 };
    const begun = world.tree.live.call(request, nodeId, wire);
    // Where it never began, nobody waits for its answer.
    begun.catch(() => {
      made.answer = 'refused';
    });
    world.ask(watch, begun, (stream) => {
      watch.stream = stream as unknown as StreamBody;
    });
  }

  /** One that somebody provides, as a rule. */
  #procedure(): string {
    const { dice, world } = this.#stage;
    const provided = world.tree.board.services.views().map(({ procedure }) => procedure);
    return (dice.chance(0.1) ? 'nobody' : dice.pick(provided)) ?? 'add';
  }

  #make(what: string, timeoutMs: number): Made {
    this.#made += 1;
    const ask = this.#stage.newAsk(what);
    return Object.assign(ask, {
      text: `question ${this.#made}`,
      timeoutMs: timeoutMs || CALL_MS,
      asked: new Set<string>(),
    });
  }

  #asked({ control, wire, label }: Connection, { id, payload, procedure }: Question): void {
    const { dice, world } = this.#stage;
    const text = Buffer.from(payload).toString();
    const made = [...this.#calls.values()].find((call) => call.text === text);
    const provider = wire.welcome?.sessionId ?? '';
    if (made?.asked.has(provider)) world.breach(`I-call: ${made.label} was put to ${label} twice`);
    made?.asked.add(provider);
    this.#usedAtMs.set(`${provider}/${procedure}`, world.clock.now());
    if (made && made.asked.size > ATTEMPTS) world.breach(`I-call: ${made.label} was put to ${made.asked.size}`);
    const how = dice.weighted({ answer: 5, fail: 1, twice: 1, wrong: 1, silence: 2, die: 2 });
    const reply = (): void => {
      // It may have gone by then.
      if (wire.ended !== undefined) return;
      if (how === 'fail') control?.reply({ id, payload: Buffer.alloc(0), error: { code: 'simulated', message: 'no' } });
      else if (how === 'die') control?.peerCancelled();
      else control?.reply({ id: how === 'wrong' ? `${id}?` : id, payload: Buffer.from(`${text}!`) });
      if (how === 'twice') control?.reply({ id, payload: Buffer.from('again') });
    };
    if (how === 'silence') return;
    // Later in any case, as from behind a real wire.
    if (dice.chance(0.4)) queueMicrotask(reply);
    else world.clock.setTimeout(reply, dice.int(1, 3_000));
  }

  #answered(made: Made, code: string | undefined, text: string): void {
    made.answer = code === undefined ? 'given' : 'refused';
    made.code = code;
    if (code === undefined && text !== `${made.text}!`)
      this.#stage.world.breach(`I-call: ${made.label} asked "${made.text}" and was told "${text}"`);
    this.#stage.note(`  ${made.label}: ${code ?? 'answered'}`);
  }

  *#serviceFaults(): Generator<string> {
    const { tree, isAlive } = this.#stage.world;
    if (!isAlive('services')) return;
    const { services } = tree.board;
    let kept = 0;
    for (const session of tree.sessions.all()) {
      if (!session.alive) continue;
      const procedures = services.proceduresOf(session.process.ref);
      kept += procedures.length;
      const known = this.#registered.get(session);
      if (this.#unsure.has(session)) continue;
      for (const procedure of procedures)
        if (!known?.has(procedure)) yield `I-maps: "${session.nodeId}" provides ${procedure} and never said so`;
    }
    if (services.counts.services !== kept)
      yield `I-maps: ${services.counts.services} registrations stand, of the living are ${kept}`;
    for (const { id, nodeId, state } of services.views()) {
      const session = tree.sessions.get(nodeId);
      if (!session?.alive) yield `I-maps: ${id} is registered and its provider is gone`;
      else if (state === 'available' && !session.connected) yield `I-maps: ${id} is available and its provider is away`;
    }
  }

  /** A registration goes when its time is over, not before and not long after. */
  *#expiryFaults(): Generator<string> {
    const { tree, isAlive, clock, heardAtMs } = this.#stage.world;
    if (!isAlive('services')) return;
    const nowMs = clock.now();
    for (const [session, registrations] of this.#registered) {
      if (!session.alive || this.#unsure.has(session)) continue;
      const there = tree.board.services.proceduresOf(session.process.ref);
      for (const [procedure, { ttlMs, atMs }] of registrations) {
        if (there.includes(procedure)) {
          const overMs = nowMs - this.#lastSignMs(session, procedure, atMs) - ttlMs;
          if (overMs > SWEEP_MS + SLACK_MS)
            yield `I-maps: ${procedure} of "${session.nodeId}" has been over for ${overMs} ms`;
          continue;
        }
        const youngMs = nowMs - Math.max(atMs, heardAtMs.get(session.id) ?? 0);
        if (youngMs < ttlMs)
          yield `I-maps: ${procedure} of "${session.nodeId}" is gone after ${youngMs} of ${ttlMs} ms`;
        registrations.delete(procedure);
      }
    }
  }

  /** The latest time that can have renewed it. */
  #lastSignMs(session: Session, procedure: string, registeredAtMs: number): number {
    const { connections, heardAtMs, desksBornAtMs } = this.#stage.world;
    const welcomes = connections.filter(({ wire }) => wire.welcome?.sessionId === session.id);
    return Math.max(
      registeredAtMs,
      heardAtMs.get(session.id) ?? 0,
      this.#usedAtMs.get(`${session.id}/${procedure}`) ?? 0,
      desksBornAtMs,
      ...welcomes.map(({ wire }) => wire.welcomedAtMs),
    );
  }

  *#callFaults(): Generator<string> {
    const { tree, system, isAlive } = this.#stage.world;
    if (!isAlive('calls')) return;
    const paths = new Set([...system.processes].filter(({ alive }) => alive).map(({ path }) => path));
    const views = tree.board.calls.views();
    for (const { id, caller, provider, ageMs, attempt } of views) {
      if (!paths.has(caller)) yield `I-call: ${id} waits for an answer, its caller is gone`;
      if (!paths.has(provider)) yield `I-call: ${id} waits for somebody who is gone`;
      if (attempt > ATTEMPTS) yield `I-call: ${id} is put to its ${attempt}th`;
      if (ageMs > CALL_MS) yield `I-call: ${id} is ${ageMs} ms old`;
    }
    let due = 0;
    for (const { answer, label, atMs, timeoutMs } of this.#calls.values()) {
      if (answer !== 'none') continue;
      due += 1;
      const ageMs = this.#stage.world.clock.now() - atMs;
      if (ageMs > timeoutMs + SLACK_MS) yield `I-call: ${label} has ${timeoutMs} ms and is ${ageMs} ms old`;
    }
    if (due !== views.length) yield `I-call: ${due} calls have no answer, ${views.length} are pending`;
  }

  #of(session: Session): Map<string, Registration> {
    const mine = this.#registered.get(session) ?? new Map<string, Registration>();
    this.#registered.set(session, mine);
    return mine;
  }
}

/** Nobody is told before the step is over, and a step may lose so much time. */
const SLACK_MS = 2_000;
