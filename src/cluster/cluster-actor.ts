/**
 * The node as an actor of the gateway's tree: it opens the engine, runs the node's chart, and gives both back. Its start resolves
 * when it is up, so that a gateway takes nobody before it may own anything; an engine that is not there ends the start with one
 * clear error.
 */
import type { AnyActorRef } from 'xstate';
import type { Cameras } from '../gateway/cameras.js';
import type { Elsewhere, FarCameras } from '../gateway/far-cameras.js';
import type { FrameSource, SourceFactory } from '../gateway/frame-source.js';
import type { Neighbours } from '../gateway/neighbours.js';
import type { CameraOptions } from '../gateway/options.js';
import type { ClusterView } from '../gateway/views.js';
import type { StartContext } from '../otp/child-spec.js';
import { processOf } from '../otp/process.js';
import type { Engine } from './engine.js';
import type { OpenMedia } from './nats/nats-media.js';
import { ClusterNode } from './node.js';
import { nodeLogic } from './node-logic.js';
import type { ClusterNodeParts } from './node-parts.js';
import { OwnedCameras } from './owned-cameras.js';
import { type Media, RelaySender } from './relay-send.js';
import { RelayWatcher } from './relay-watch.js';
import { Sharing } from './sharing.js';

export interface ClusterActorParts extends Omit<ClusterNodeParts, 'engine'> {
  /** Opens the engine anew for each start; closed at the actor's end. */
  readonly openEngine: () => Promise<Engine>;
  /** Opens the connection for frames. Default: the engine carries them. */
  readonly openMedia?: (() => Promise<OpenMedia>) | undefined;
  /** A camera of this gateway over what another one has. */
  readonly farCamera: (id: string) => CameraOptions;
}

/** What this gateway shares with the others. */
export interface Shared {
  readonly neighbours: Neighbours;
  readonly cameras: Cameras;
  readonly far: FarCameras;
}

/** How long the node may take to give back what it owns. Milliseconds. */
export const CLUSTER_SHUTDOWN_MS = 5_000;

/** How long the first lease may take. Milliseconds. */
const JOIN_MS = 15_000;

export class ClusterActor {
  readonly #parts: ClusterActorParts;
  #node: ClusterNode | undefined;
  #shared: Shared | undefined;
  #sharing: Sharing | undefined;
  #sender: RelaySender | undefined;
  readonly #watcher = new RelayWatcher();
  readonly #owned = new OwnedCameras({
    node: () => this.#node,
    relay: (camera, from, listener, clock) => this.#watcher.open(camera, from, listener, clock),
    onElsewhere: (camera, node) => this.#sender?.moved(camera, node),
  });

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
    const refused = this.#watcher.refused + this.#owned.refused;
    const nothing = { engine: '', keys: 0, known: 0, leaseMs: 0, members: [], relays: [] };
    if (!node) return { node: name, state: 'restarting', ...nothing, refused };
    const { state, engine, held, known, leaseMs } = node;
    const members = node.members().map(({ node: id, ...member }) => {
      const offer = this.#sharing?.offerOf(id);
      return { id, ...member, procedures: offer?.procedures.size ?? 0, cameras: offer?.cameras.size ?? 0 };
    });
    const relays = this.#sender?.views() ?? [];
    return { node: name, state, engine: engine.label, keys: held, known, leaseMs, members, relays, refused };
  }

  /** What this gateway has is told to the others, and what they have to it. Before it is started. */
  share(shared: Shared): void {
    this.#shared = shared;
  }

  /** Cameras that others have. */
  readonly elsewhere: Elsewhere = {
    nodeOf: (id) => this.#watcher.nodeOf(id),
    options: (id) => this.#parts.farCamera(id),
  };

  /** The sources of this gateway's own cameras, each opened by one gateway at a time. */
  ownedSources(factory: SourceFactory): SourceFactory {
    return this.#owned.sources(factory);
  }

  /** The driver of `node:<camera>`. */
  readonly farSource = (url: URL): FrameSource => this.#watcher.source(decodeURIComponent(url.pathname));

  /** A start function for a child spec. */
  readonly start = async ({ spawn }: StartContext): Promise<AnyActorRef> => {
    const { openEngine, openMedia, clock } = this.#parts;
    const engine = await openEngine();
    const media = openMedia ? await openMedia() : { ...only(engine), close: async () => {} };
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
    const sharing = this.#shared && this.#share(node, media, this.#shared);
    this.#sharing = sharing;
    const send = (event: Parameters<AnyActorRef['send']>[0]): void => {
      if (processOf(ref)?.alive) ref.send(event);
    };
    sharing?.start();
    node.start((event) => queueMicrotask(() => send(event)));
    const ref: AnyActorRef = spawn(nodeLogic(node));
    processOf(ref)?.scope.acquire('cluster_node', async () => {
      sharing?.close();
      this.#watcher.reachedBy(undefined);
      this.#sender?.close();
      this.#sender = undefined;
      node.close();
      if (this.#node === node) this.#node = undefined;
      await media.close();
      await engine.close();
    });
    this.#node = node;
    if (!(await joined.promise)) {
      throw new Error(`cluster: no lease within ${JOIN_MS} ms from ${engine.label}`);
    }
    return ref;
  };

  #share(node: ClusterNode, media: Media, { neighbours, cameras, far }: Shared): Sharing {
    const { clock, note } = this.#parts;
    const sender = new RelaySender({
      node: node.name,
      inc: () => node.inc,
      mayAct: () => node.mayAct(),
      media,
      clock,
      camera: (id) => (far.ownIds().includes(id) ? cameras.all().find((camera) => camera.id === id) : undefined),
      token: (id) => this.#owned.token(id),
      elsewhere: (id) => this.#owned.elsewhere(id),
      onSlow: (camera, to) => note?.('cluster.relaySlow', { camera, node: to }),
    });
    this.#sender = sender;
    const sharing = new Sharing({
      node,
      clock,
      neighbours,
      cameras: () => far.ownIds(),
      onCut: (names) => note?.('cluster.offerCut', { names }),
      onGone: (gone) => {
        sender.nodeGone(gone);
        this.#watcher.nodeGone(gone);
      },
      onReconciled: () => far.tidy(),
    });
    this.#watcher.reachedBy({
      node: node.name,
      inc: () => node.inc,
      media,
      // Any that has it will do where nobody holds it: it claims it then.
      nodeOf: (camera) => this.#owned.elsewhere(camera) ?? sharing.nodeOf(camera),
    });
    return sharing;
  }
}

function only(engine: Engine): Media {
  return {
    messageBytesMax: engine.messageBytesMax,
    publish: (subject, body) => engine.publish(subject, body),
    subscribe: (subject, onMessage) => engine.subscribe(subject, onMessage),
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
