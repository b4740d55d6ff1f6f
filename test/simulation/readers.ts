/**
 * Those who subscribe and publish. What each session has subscribed to is remembered here, and held against what it gets:
 * each publication once, however many patterns fit, and none that it did not ask for.
 */
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { Session } from '../../src/gateway/session.js';
import { TOPICS_MAX } from './limits.js';
import type { Stage } from './stage.js';
import type { Connection } from './world.js';

const PATTERNS = ['a.b', 'a.*', 'a.**', '*.b', '**', 'c'];
const TOPICS = ['a.b', 'a.c', 'a.b.c', 'c'];

export class Readers {
  readonly #stage: Stage;
  readonly #patterns = new Map<Session, Set<string>>();
  /** All that it ever subscribed to: what waited may come after it has thought better of it. */
  readonly #ever = new Map<Session, Set<string>>();
  /** Sessions who declared something while other things went on: what became of it is anybody's guess. */
  readonly #unsure = new Set<Session>();
  /** What a wire has got. */
  readonly #got = new Map<Connection, Set<string>>();
  #published = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.world.checks.push(() => this.#faults());
  }

  /** Somebody new: what it gets is noted. */
  met(connection: Connection): void {
    const got = new Set<string>();
    this.#got.set(connection, got);
    connection.wire.onEvent = ({ topic, payload }) => {
      const text = Buffer.from(payload).toString();
      if (!text.startsWith('publication')) return;
      if (got.has(text)) this.#stage.world.breach(`I-once: ${connection.label} got ${text} twice`);
      got.add(text);
      const session = this.#stage.sessionOf(connection);
      if (session && !this.#unsure.has(session) && !wants(this.#ever.get(session), topic))
        this.#stage.world.breach(`I-once: ${connection.label} got ${text} on ${topic}, which it did not subscribe to`);
    };
  }

  subscribe(): void {
    const { connection, session } = this.#stage.speaker();
    const pattern = this.#stage.dice.pick(PATTERNS) ?? '';
    if (!connection?.control || !session) return;
    this.#stage.note(`${connection.label} subscribes to ${pattern}`);
    const patterns = this.#of(session);
    if (!this.#stage.calm) this.#unsure.add(session);
    try {
      connection.control.subscribe(pattern);
      patterns.add(pattern);
      this.#ever.set(session, new Set([...(this.#ever.get(session) ?? []), pattern]));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (patterns.size < TOPICS_MAX && !this.#unsure.has(session))
        this.#stage.world.breach(`${connection.label} was refused ${pattern}: ${error.message}`);
    }
  }

  unsubscribe(): void {
    const { connection, session } = this.#stage.speaker();
    if (!connection?.control || !session) return;
    const patterns = this.#of(session);
    const pattern = this.#stage.dice.pick([...patterns, 'a.b']) ?? '';
    this.#stage.note(`${connection.label} unsubscribes from ${pattern}`);
    if (!this.#stage.calm) this.#unsure.add(session);
    connection.control.unsubscribe(pattern);
    patterns.delete(pattern);
  }

  publish(): void {
    const { connection } = this.#stage.speaker();
    if (!connection?.control) return;
    const topic = this.#stage.dice.pick(TOPICS) ?? '';
    this.#published += 1;
    const text = `publication ${this.#published}`;
    this.#stage.note(`${connection.label} publishes ${text} on ${topic}`);
    connection.control.publish(topic, Buffer.from(text));
    if (!this.#stage.calm || !this.#stage.world.isAlive('topics')) return;
    // Who reads at once has got it by now.
    for (const [reader, got] of this.#got) {
      const session = this.#stage.sessionOf(reader);
      if (
        reader.wire.readsAtOnce &&
        session &&
        !this.#unsure.has(session) &&
        wants(this.#patterns.get(session), topic) &&
        !got.has(text)
      )
        this.#stage.world.breach(`I-once: ${reader.label} did not get ${text} on ${topic}`);
    }
  }

  *#faults(): Generator<string> {
    const { tree, isAlive } = this.#stage.world;
    if (!isAlive('topics')) return;
    let kept = 0;
    for (const session of tree.sessions.all()) {
      if (!session.alive) continue;
      const { ref } = session.process;
      const patterns = tree.board.topics.topicsOf(ref);
      kept += patterns.length;
      const due = [...(this.#patterns.get(session) ?? [])];
      if (!this.#unsure.has(session) && patterns.toSorted().join() !== due.toSorted().join())
        yield `I-once: "${session.nodeId}" subscribed to [${due}], the desk knows [${patterns}]`;
    }
    const { subscriptions } = tree.board.topics.counts;
    const matched = tree.board.topics.views().reduce((sum, { subscribers }) => sum + subscribers, 0);
    if (matched !== subscriptions) yield `I-maps: ${subscriptions} subscriptions stand, patterns have ${matched}`;
    if (subscriptions !== kept) yield `I-maps: ${subscriptions} subscriptions stand, of the living are ${kept}`;
  }

  #of(session: Session): Set<string> {
    const patterns = this.#patterns.get(session) ?? new Set();
    this.#patterns.set(session, patterns);
    return patterns;
  }
}

function wants(patterns: ReadonlySet<string> | undefined, topic: string): boolean {
  return [...(patterns ?? [])].some((pattern) => fits(pattern, topic));
}

/** The slow and obvious way. */
function fits(pattern: string, topic: string): boolean {
  const words = pattern.split('.').map((word) => (word === '**' ? '.*' : word === '*' ? '[^.]*' : word));
  return new RegExp(`^${words.join('\\.')}$`).test(topic);
}
