/**
 * Apps that run elsewhere: their program is started and stopped by webhook, connects back in the name of a session, crashes,
 * and is back in its grace or never. Nothing is asked of a third party for an owner who is not there, and whatever was
 * started is told to stop when its session is over.
 */
import type { WebhookBody } from '../../src/gateway/webhook.js';
import type { Stage } from './stage.js';
import type { Visitors } from './visitors.js';
import type { Connection } from './world.js';

const TARGET = { url: 'http://simulated.invalid/', secret: 'simulated' };

export class RemoteApps {
  readonly #stage: Stage;
  readonly #visitors: Visitors;
  /** The programs that run, by session and package: their connections, the latest last. */
  readonly #programs = new Map<string, Connection[]>();
  readonly #highest = new Map<string, number>();

  constructor(stage: Stage, visitors: Visitors) {
    this.#stage = stage;
    this.#visitors = visitors;
    const { world } = stage;
    world.thirdParty.onStart = (body) => this.#started(body);
    world.thirdParty.onStop = (body) => this.#stopped(body);
    world.checks.push(() => this.#faults());
    world.lastChecks.push(() => this.#leftBehind());
  }

  start(): void {
    const { dice, world } = this.#stage;
    const session = dice.pick([...world.tree.sessions.all()].filter(({ alive, client }) => alive && !client.implicit));
    if (!session || session.nodeId.startsWith('app-')) return;
    const packageName = dice.pick(['captions', 'notes']) ?? '';
    const ask = this.#stage.newAsk(`remote-${packageName}-${session.nodeId}`);
    this.#stage.note(`${ask.label} is started`);
    world.ask(ask, session.apps.start({ packageName, start: TARGET, stop: TARGET }), () => {});
  }

  /** A program crashes; it is back soon, or not at all. */
  crash(): void {
    const { dice, world } = this.#stage;
    const running = [...this.#programs].flatMap(([key, connections]) => {
      const connection = connections.at(-1);
      return connection?.control && connection.wire.ended === undefined ? [{ key, connection }] : [];
    });
    const { key, connection } = dice.pick(running) ?? {};
    if (key === undefined || !connection) return;
    this.#stage.note(`${connection.label} crashes`);
    connection.control?.failed(new Error('simulated: connection reset'));
    if (dice.chance(0.5)) world.clock.setTimeout(() => this.#connect(key), dice.int(1, 7_000));
  }

  #started(body: WebhookBody): void {
    const { dice, world } = this.#stage;
    const key = keyOf(body);
    const session = world.tree.sessions.get(body.nodeId);
    // Its client is registered before the session says so.
    if (session?.id !== body.sessionId || !session.client.process?.alive)
      world.breach(`I-no-resurrection: ${key} was started without its owner`);
    const highest = this.#highest.get(body.nodeId) ?? 0;
    if (body.token.rev < highest) world.breach(`I-token: ${key} was started with ${body.token.rev} after ${highest}`);
    this.#highest.set(body.nodeId, body.token.rev);
    if (!this.#programs.has(key)) this.#programs.set(key, []);
    if (dice.chance(0.85)) world.clock.setTimeout(() => this.#connect(key), dice.int(1, 4_000));
  }

  /** Unless it was told to stop meanwhile. */
  #connect(key: string): void {
    const [sessionId = '', packageName = '', owner = ''] = key.split('/');
    const connections = this.#programs.get(key);
    if (!connections) return;
    connections.push(
      this.#visitors.connect({
        ...{ nodeId: `app-${packageName}-${owner}`, role: 'app', sessionId, packageName },
        ...{ resumeToken: '', ordinal: 0 },
      }),
    );
  }

  #stopped(body: WebhookBody): void {
    const key = keyOf(body);
    const latest = this.#programs.get(key)?.at(-1);
    this.#programs.delete(key);
    if (latest?.wire.ended === undefined)
      this.#stage.world.clock.setTimeout(() => latest?.control?.peerCancelled(), 10);
  }

  *#faults(): Generator<string> {
    const { thirdParty, tree, clock } = this.#stage.world;
    const last = new Map<string, WebhookBody>();
    for (const body of thirdParty.book) last.set(keyOf(body), body);
    if (this.#stage.world.couriersLost || clock.now() === 0) return;
    for (const [key, { type, nodeId, sessionId }] of last) {
      if (type === 'app.start' && tree.sessions.get(nodeId)?.id !== sessionId)
        yield `I-no-resurrection: the session is over, and ${key} was not told to stop`;
    }
  }

  *#leftBehind(): Generator<string> {
    const { pending } = this.#stage.world.thirdParty;
    if (pending > 0) yield `I-zero: ${pending} calls to third parties are under way`;
  }
}

function keyOf({ sessionId, packageName, nodeId }: WebhookBody): string {
  return `${sessionId}/${packageName}/${nodeId}`;
}
