/**
 * What the crowd knows of its resume tokens, to hold the gateway to them: a token opens its session once, the latest of a
 * session and no other, and whoever comes with it while the session lasts is let in, however full the house is.
 */
import type { Connection, World } from './world.js';

export class Tokens {
  readonly #world: World;
  /** The token that the session gave last, by session. */
  readonly #latest = new Map<string, string>();
  /** Sessions whose latest token may be spent already, by a hello that came to nothing. */
  readonly #doubtful = new Set<string>();
  #due: { readonly connection: Connection } | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** A hello is about to be said. */
  said(connection: Connection): void {
    const { hello, wire } = connection;
    wire.onWelcome = ({ sessionId, resumeToken }) => {
      if (hello.resumeToken !== '' && this.#latest.get(sessionId) !== hello.resumeToken)
        this.#world.breach(`${connection.label} was let in with a token that was spent`);
      this.#latest.set(sessionId, resumeToken);
      this.#doubtful.delete(sessionId);
    };
    if (hello.resumeToken === '') return;
    const session = this.#world.tree.sessions.get(hello.nodeId);
    if (!session?.alive) return;
    const sound = this.#latest.get(session.id) === hello.resumeToken && !this.#doubtful.has(session.id);
    // Undecided from here on; its welcome takes the doubt away.
    this.#doubtful.add(session.id);
    const waits = session.state === 'grace' || session.state === 'connected';
    if (sound && waits && hello.ordinal === 0) this.#due = { connection };
  }

  /** The step is over. With one deed in it, nothing else can have come between a hello and its welcome. */
  stepped(deeds: number): void {
    const due = this.#due?.connection;
    this.#due = undefined;
    // Without a client manager nobody is admitted: the core has crashed, and those behind it still come to their end.
    if (due && deeds === 1 && !due.wire.welcome && this.#world.isAlive('client-manager'))
      this.#world.breach(`${due.label} came back with its token and was refused: ${due.code}`);
  }
}
