/** Why users were last disconnected: the latest of them, each once, and no more than so many. */

/** As many users as a full gateway has. */
export const REMEMBERED_MAX = 10_000;
/** Longest reason that is kept, in characters: it may be a user's own words. */
const REASON_LENGTH_MAX = 200;

export interface Disconnect {
  readonly atMs: number;
  readonly reason: string;
}

export class RoomHistory {
  readonly #byUser = new Map<string, Disconnect>();

  get size(): number {
    return this.#byUser.size;
  }

  remember(userId: string, { atMs, reason }: Disconnect): void {
    // Behind all others, wherever it stood: who left longest ago is forgotten first.
    this.#byUser.delete(userId);
    this.#byUser.set(userId, { atMs, reason: reason.slice(0, REASON_LENGTH_MAX) });
    if (this.#byUser.size <= REMEMBERED_MAX) return;
    const [longest] = this.#byUser.keys();
    if (longest !== undefined) this.#byUser.delete(longest);
  }

  of(userId: string): Disconnect | undefined {
    return this.#byUser.get(userId);
  }
}
