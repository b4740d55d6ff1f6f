/** What the receiver of Stately's own package is told over a real WebSocket, as a tree. */
import { createWebSocketReceiver } from '@statelyai/inspect';

/** One message, as far as it is looked at. */
interface Told {
  readonly type: string;
  readonly name: string;
  readonly sessionId: string;
  readonly parentId?: string;
  readonly definition?: string;
  readonly snapshot?: { readonly value?: unknown; readonly status?: string };
}

export interface SeenActor {
  readonly name: string;
  readonly parentId: string | undefined;
  readonly definition: string;
  value: unknown;
  status: string | undefined;
}

export class SeenActors {
  /** Everything that was said, as text. */
  text = '';
  readonly #actors = new Map<string, SeenActor>();

  constructor(port: number | string) {
    createWebSocketReceiver({ server: `ws://127.0.0.1:${port}/` }).subscribe((event) => {
      this.text += JSON.stringify(event);
      const { type, name, sessionId, parentId, definition = '', snapshot } = event as unknown as Told;
      if (type === '@xstate.actor') {
        this.#actors.set(sessionId, { name, parentId, definition, value: undefined, status: undefined });
      }
      const seen = this.#actors.get(sessionId);
      if (!seen || !snapshot) return;
      seen.value = snapshot.value;
      seen.status = snapshot.status;
    });
  }

  /** Everybody who was told of and has not ended, by the names from the root down. */
  get living(): ReadonlyMap<string, SeenActor> {
    const living = [...this.#actors.values()].filter(({ status }) => status === 'active');
    return new Map(living.map((actor) => [this.#path(actor), actor]));
  }

  #path({ name, parentId }: SeenActor): string {
    const parent = parentId === undefined ? undefined : this.#actors.get(parentId);
    return parent ? `${this.#path(parent)}/${name}` : name;
  }
}
