/** What everybody in the crowd shares: the world, the dice, and how a deed is written down. */
import type { Session } from '../../src/gateway/session.js';
import type { Dice } from './dice.js';
import type { Reading } from './wires.js';
import type { Ask, Connection, World } from './world.js';

export class Stage {
  readonly world: World;
  readonly dice: Dice;
  /** Nothing else is under way in this step. */
  calm = true;
  #asked = 0;

  constructor(world: World, dice: Dice) {
    this.world = world;
    this.dice = dice;
  }

  newAsk(what: string): Ask {
    this.#asked += 1;
    return { label: `${what}#${this.#asked}`, atMs: this.world.clock.now(), answer: 'none', code: undefined };
  }

  note(line: string): void {
    this.world.note(`${(this.world.clock.now() / 1_000).toFixed(1)} s  ${line}`);
  }

  /** Somebody who is here and can be heard, and its session. */
  speaker(): { readonly connection: Connection | undefined; readonly session: Session | undefined } {
    const connection = this.dice.pick(
      this.world.connections.filter(
        (one) =>
          one.hello.role === 'client' &&
          one.wire.welcome &&
          !one.wire.bye &&
          one.wire.ended === undefined &&
          one.control,
      ),
    );
    return { connection, session: connection && this.sessionOf(connection) };
  }

  /** The session that this connection speaks for now. */
  sessionOf({ wire, control }: Connection): Session | undefined {
    if (!control || wire.ended !== undefined) return undefined;
    for (const session of this.world.tree.sessions.all())
      if (session.id === wire.welcome?.sessionId) return session.client.control === control ? session : undefined;
    return undefined;
  }

  /** How somebody new reads. */
  reading(): Reading {
    const kind = this.dice.weighted({ 'at once': 4, 'in a moment': 3, slowly: 4, never: 2, 'until it breaks': 1 });
    if (kind === 'slowly') return { kind, ms: this.dice.int(10, 4_000) };
    if (kind === 'until it breaks') return { kind, writes: this.dice.int(1, 10) };
    return { kind };
  }
}
