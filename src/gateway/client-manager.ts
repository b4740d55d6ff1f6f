/**
 * The client manager as an actor: the reducer of `machines/client-manager.ts`, run where it can monitor and close. It
 * monitors every client and every stream, drops the monitor when it lets go of one, and after a crash of its own is told
 * anew of everybody who is still alive (`adopt`).
 *
 * Calls are answered at once: the reducer never waits and never calls out while it runs.
 */
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import {
  type ClientEntry,
  type ClientInfo,
  type ClientManagerEffect,
  type ClientManagerEvent,
  type ClientManagerState,
  type ClientManagerStep,
  clientManagerTransition,
  emptyClientManager,
  type Refusal,
} from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';
import { type Down, demonitorAll, monitor } from '../otp/monitor.js';
import { type Process, processOf } from '../otp/process.js';
import { withTraits } from '../otp/traits.js';

export type { ClientInfo, Refusal } from '../../machines/client-manager.js';

/** Somebody alive, as a fresh client manager is told of them. */
export type Registration =
  | { readonly client: AnyActorRef; readonly info: ClientInfo }
  | { readonly held: string }
  | { readonly nodeId: string; readonly stream: AnyActorRef; readonly control: boolean; readonly endpoint?: string };

export interface ClientManagerInput {
  readonly clientsMax: number;
  readonly streamsPerClientMax: number;
  /** Everybody alive now: clients before their streams. */
  readonly adopt: () => Iterable<Registration>;
}

type State = ClientManagerState<AnyActorRef>;
type ManagerSnapshot = Snapshot<unknown> & { readonly context: State };

interface Request extends EventObject {
  readonly type: 'manager.apply';
  readonly event: ClientManagerEvent<AnyActorRef>;
  /** Set when it has been answered, which is before the sender goes on. */
  step: ClientManagerStep<AnyActorRef> | undefined;
}

export const clientManagerLogic: ActorLogic<ManagerSnapshot, EventObject, ClientManagerInput> = withTraits(
  {
    getInitialSnapshot: (scope, input) => {
      const self = scope.self as AnyActorRef;
      const context = emptyClientManager<AnyActorRef>(input);
      for (const event of declared(input.adopt())) perform(self, clientManagerTransition(context, event).effects);
      return { status: 'active', output: undefined, error: undefined, context };
    },
    getPersistedSnapshot: (snapshot) => snapshot,
    transition: (snapshot, event, scope) => {
      const self = scope.self as AnyActorRef;
      const { context } = snapshot;
      if (event.type === 'manager.apply') {
        const request = event as Request;
        const step = clientManagerTransition(context, request.event);
        perform(self, step.effects);
        request.step = step;
      } else if (event.type === 'DOWN') {
        const { ref } = event as Down;
        if (!ref) return snapshot;
        perform(self, clientManagerTransition(context, { type: 'process.down', ref }).effects);
      }
      return snapshot;
    },
  },
  { kind: 'client-manager' },
);

function* declared(registrations: Iterable<Registration>): Generator<ClientManagerEvent<AnyActorRef>> {
  for (const registration of registrations) {
    if ('client' in registration) {
      yield { type: 'client.connected', ref: registration.client, info: registration.info };
    } else if ('held' in registration) {
      yield { type: 'place.held', nodeId: registration.held };
    } else {
      const { nodeId, stream, control, endpoint } = registration;
      const at = endpoint === undefined ? {} : { endpoint };
      yield control ? { type: 'stream.stored', nodeId, stream, ...at } : { type: 'stream.attached', nodeId, stream };
    }
  }
}

function perform(self: AnyActorRef, effects: readonly ClientManagerEffect<AnyActorRef>[]): void {
  for (const effect of effects) {
    switch (effect.type) {
      case 'monitor':
        monitor(effect.ref, self);
        break;
      case 'demonitor':
        demonitorAll(effect.ref, self);
        break;
      case 'close':
        closeActor(effect.ref, effect.reason);
        break;
    }
  }
}

/** Tells a client or a stream that it has lost its place; each ends in its own way. */
function closeActor(ref: AnyActorRef, reason: unknown): void {
  const process = processOf(ref);
  if (!process?.alive) return;
  const superseded = process.kind === 'client';
  process.system.post(
    ref,
    (superseded ? { type: 'client.superseded' } : { type: 'owner.lost', reason }) as EventObject,
  );
}

/** Who is connected, for everybody else. Stands for whichever client manager is alive now. */
export class ClientManager {
  readonly #current: () => Process | undefined;

  constructor(current: () => Process | undefined) {
    this.#current = current;
  }

  /** Registers a client or updates a known one. @returns why it was refused. */
  clientConnected(ref: AnyActorRef, info: ClientInfo): Refusal | 'noproc' | undefined {
    return this.#apply({ type: 'client.connected', ref, info });
  }

  /** Idempotent; an unknown client is not an error. `left`: it will not come back, so its place is not held. */
  clientDisconnected(ref: AnyActorRef, { left = true }: { readonly left?: boolean } = {}): void {
    this.#apply({ type: 'client.disconnected', ref, left });
  }

  /** Gives back the place of a lost client that is waited for no longer. */
  releasePlace(nodeId: string): void {
    this.#apply({ type: 'place.released', nodeId });
  }

  /** Makes this the control stream of a node id, in place of the one before. */
  storeClientStream(nodeId: string, stream: AnyActorRef, endpoint?: string): Refusal | 'noproc' | undefined {
    return this.#apply({ type: 'stream.stored', nodeId, stream, ...(endpoint === undefined ? {} : { endpoint }) });
  }

  /** Adds a stream to a client. */
  attachStream(nodeId: string, stream: AnyActorRef): Refusal | 'noproc' | undefined {
    return this.#apply({ type: 'stream.attached', nodeId, stream });
  }

  getClientInfo(ref: AnyActorRef): ClientInfo | undefined {
    return this.#state?.clients.get(ref)?.info;
  }

  getAllClients(): readonly ClientEntry<AnyActorRef>[] {
    return [...(this.#state?.clients.values() ?? [])];
  }

  getAllNodeIds(): readonly string[] {
    return [...(this.#state?.nodes.keys() ?? [])];
  }

  isClientAlive(ref: AnyActorRef): boolean {
    return this.#state?.clients.has(ref) === true && processOf(ref)?.alive === true;
  }

  getClientStream(nodeId: string): AnyActorRef | undefined {
    return this.#state?.clientStreams.get(nodeId)?.ref;
  }

  getStreamByEndpoint(endpoint: string): AnyActorRef | undefined {
    return this.#state?.endpoints.get(endpoint);
  }

  get counts(): { readonly clients: number; readonly clientStreams: number; readonly streams: number } {
    const state = this.#state;
    return {
      clients: state?.clients.size ?? 0,
      clientStreams: state?.clientStreams.size ?? 0,
      streams: state?.streams.size ?? 0,
    };
  }

  /** Every way in which the indexes disagree; empty when they agree. O(entries). */
  faults(): readonly string[] {
    return this.#state ? clientManagerFaults(this.#state) : [];
  }

  get #state(): State | undefined {
    return (this.#current()?.ref.getSnapshot() as ManagerSnapshot | undefined)?.context;
  }

  #apply(event: ClientManagerEvent<AnyActorRef>): Refusal | 'noproc' | undefined {
    const process = this.#current();
    if (!process?.alive) return 'noproc';
    const request: Request = { type: 'manager.apply', event, step: undefined };
    process.send(request);
    return request.step ? (request.step as ClientManagerStep<AnyActorRef>).refused : 'noproc';
  }
}
