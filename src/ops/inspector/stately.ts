/**
 * What actors do in the words of the Stately inspector, one viewer each. The words are made by `@statelyai/inspect`, an
 * optional peer. It would write down whole snapshots, with everything that an actor was given: what it gets from us are
 * stand-ins whose contexts and events are summaries, without secrets.
 */
import { createRequire } from 'node:module';
import type { AnyActorRef, EventObject, InspectionEvent, Observer } from 'xstate';
import { parentOf } from '../../otp/xstate-internals.js';
import { chartOf, definitionOf } from './lines.js';
import type { Onlooker, Shown } from './onlooker.js';
import { summary } from './summary.js';

const PEER = '@statelyai/inspect';
/** The peer writes an event down in a later turn; a viewer that is so many behind is cut off. */
const UNWRITTEN_MAX = 100_000;

/** A WebSocket of the peer's own library, as far as it is used here. */
export interface ViewerSocket {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number): void;
  terminate(): void;
  on(event: 'close' | 'error', listener: () => void): unknown;
}

interface WebSocketLibrary {
  readonly WebSocketServer: new (options: {
    readonly noServer: true;
    readonly maxPayload: number;
  }) => {
    handleUpgrade(request: unknown, socket: unknown, head: unknown, done: (socket: ViewerSocket) => void): void;
  };
}

interface Adapter {
  send(event: object): void;
}

/** What of the peer is used. */
export interface StatelyPeer {
  createInspector(adapter: Adapter): { readonly inspect: Observer<InspectionEvent> };
  readonly WebSocketServer: WebSocketLibrary['WebSocketServer'];
}

/** Rejects with one clear line when the peer is not installed. */
export async function loadStatelyPeer(): Promise<StatelyPeer> {
  try {
    const { createInspector } = await import('@statelyai/inspect');
    // The library that the peer itself stands on, found from where the peer is: no other package may have it.
    const peer = createRequire(createRequire(import.meta.url).resolve(PEER));
    const { WebSocketServer } = peer('ws') as WebSocketLibrary;
    return { createInspector: (adapter) => createInspector(adapter), WebSocketServer };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if ((code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') || !message.includes(PEER)) throw error;
    throw new Error(`inspect: the inspector needs the package ${PEER}, which is not installed: npm install ${PEER}`);
  }
}

export class StatelyWriter implements Onlooker {
  readonly #observer: Observer<InspectionEvent>;
  readonly #tooSlow: () => void;
  #unwritten = 0;

  /**
   * @param send takes one message of JSON.
   * @param tooSlow called when more waits to be written than is borne.
   */
  constructor(peer: StatelyPeer, send: (text: string) => void, tooSlow: () => void) {
    this.#tooSlow = tooSlow;
    const inspector = peer.createInspector({
      send: (event) => {
        this.#unwritten -= 1;
        send(JSON.stringify(event));
      },
    });
    this.#observer = inspector.inspect;
  }

  introduce(actor: AnyActorRef): void {
    this.#write({ type: '@xstate.actor', actorRef: standIn(actor) });
  }

  heard(actor: AnyActorRef, event: EventObject, source: AnyActorRef | undefined): void {
    const { sessionId } = actor;
    const sourceRef = source && { sessionId: source.sessionId };
    this.#write({ type: '@xstate.event', actorRef: { sessionId }, sourceRef, event: summary(event) });
  }

  became({ sessionId }: AnyActorRef, snapshot: Shown, event: EventObject | undefined): void {
    const shown = { type: '@xstate.snapshot', actorRef: { sessionId }, snapshot: shownOf(snapshot) };
    this.#write({ ...shown, event: summary(event ?? { type: '' }) });
  }

  #write(event: object): void {
    this.#unwritten += 1;
    if (this.#unwritten > UNWRITTEN_MAX) this.#tooSlow();
    else this.#observer.next?.(event as InspectionEvent);
  }
}

function shownOf({ value, status, context }: Shown): Shown {
  return { value, status, context: summary(context) };
}

/** An actor as the peer looks at it, and no more than that. */
function standIn(actor: AnyActorRef): object {
  const { id, sessionId } = actor;
  const parent = parentOf(actor);
  return {
    id,
    sessionId,
    _parent: parent && { sessionId: parent.sessionId },
    logic: { config: definitionOf(chartOf(actor)) },
    getSnapshot: () => shownOf(actor.getSnapshot() as Shown),
  };
}
