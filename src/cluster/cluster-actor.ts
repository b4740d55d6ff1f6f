/**
 * The node as an actor of the gateway's tree: it opens the engine, runs the node's chart, and gives both back. Its start resolves
 * when it is up, so that a gateway takes nobody before it may own anything; an engine that is not there ends the start with one
 * clear error.
 */
import type { AnyActorRef } from 'xstate';
import type { Neighbours } from '../gateway/neighbours.js';
import type { ClusterView } from '../gateway/views.js';
import type { StartContext } from '../otp/child-spec.js';
import { processOf } from '../otp/process.js';
import type { Engine } from './engine.js';
import { ClusterNode } from './node.js';
import { nodeLogic } from './node-logic.js';
import type { ClusterNodeParts } from './node-parts.js';
import { Sharing } from './sharing.js';

export interface ClusterActorParts extends Omit<ClusterNodeParts, 'engine'> {
  /** Opens the engine anew for each start; closed at the actor's end. */
  readonly openEngine: () => Promise<Engine>;
}

/** How long the node may take to give back what it owns. Milliseconds. */
export const CLUSTER_SHUTDOWN_MS = 5_000;

/** How long the first lease may take. Milliseconds. */
const JOIN_MS = 15_000;

export class ClusterActor {
  readonly #parts: ClusterActorParts;
  #node: ClusterNode | undefined;
  #neighbours: Neighbours | undefined;

  constructor(parts: ClusterActorParts) {
    this.#parts = parts;
  }

  /** The node that is alive now. */
  get node(): ClusterNode | undefined {
    return this.#node;
  }

  view(): ClusterView {
    const node = this.#node;
    const { name } = this.#parts;
    if (!node) return { node: name, state: 'restarting', engine: '', keys: 0, known: 0, leaseMs: 0, members: [] };
    const { state, engine, held, known, leaseMs } = node;
    const members = node.members().map(({ node: id, ...member }) => ({ id, ...member }));
    return { node: name, state, engine: engine.label, keys: held, known, leaseMs, members };
  }

  /** What the desks of this gateway have is told to the others, and what they have to its desks. Before it is started. */
  share(neighbours: Neighbours): void {
    this.#neighbours = neighbours;
  }

  /** A start function for a child spec. */
  readonly start = async ({ spawn }: StartContext): Promise<AnyActorRef> => {
    const { openEngine, clock } = this.#parts;
    const engine = await openEngine();
    const joined = waiting(clock, JOIN_MS);
    const node = new ClusterNode({
      ...this.#parts,
      engine,
      note: (type, detail) => {
        if (type === 'cluster.joined') joined.resolve();
        sharing?.reconcile();
        this.#parts.note?.(type, detail);
      },
    });
    const sharing = this.#neighbours && new Sharing({ node, clock, neighbours: this.#neighbours });
    const send = (event: Parameters<AnyActorRef['send']>[0]): void => {
      if (processOf(ref)?.alive) ref.send(event);
    };
    sharing?.start();
    node.start((event) => queueMicrotask(() => send(event)));
    const ref: AnyActorRef = spawn(nodeLogic(node));
    processOf(ref)?.scope.acquire('cluster_node', async () => {
      sharing?.close();
      node.close();
      if (this.#node === node) this.#node = undefined;
      await engine.close();
    });
    this.#node = node;
    if (!(await joined.promise)) {
      throw new Error(`cluster: no lease within ${JOIN_MS} ms from ${engine.label}`);
    }
    return ref;
  };
}

/** True when resolved in time. */
function waiting(
  clock: ClusterNodeParts['clock'],
  ms: number,
): { readonly promise: Promise<boolean>; readonly resolve: () => void } {
  let settle: (value: boolean) => void = () => {};
  const promise = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  const timer = clock.setTimeout(() => settle(false), ms);
  return {
    promise,
    resolve: () => {
      clock.clearTimeout(timer);
      settle(true);
    },
  };
}
