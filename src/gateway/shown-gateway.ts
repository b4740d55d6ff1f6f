/** What a running gateway shows of itself: its actors, everything it has lists of, its figures and its past. It changes nothing. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { type Process, processOf } from '../otp/process.js';
import { actorDetail, rankedActors } from './actor-detail.js';
import type { Chronicle } from './chronicle.js';
import { leaksOf } from './leaks.js';
import { type CountedParts, resourcesOf } from './resources.js';
import type { StreamBody } from './stream.js';
import { actorView, stateOf, treeView } from './structure.js';
import { treeRows } from './tree-rows.js';
import type {
  ActorDetail,
  ActorView,
  CallView,
  CameraView,
  CauseView,
  ChannelView,
  ClientView,
  GatewayEvent,
  LeaksView,
  RankedActor,
  RankQuery,
  Resources,
  RoomView,
  ServiceView,
  SessionView,
  StreamView,
  TopicView,
  TreeQuery,
  TreeRows,
  TreeView,
} from './views.js';

export interface ShownParts extends CountedParts {
  readonly chronicle: Chronicle;
}

export abstract class ShownGateway {
  readonly #parts: ShownParts;
  readonly #startedAtMs: number;
  /** Viewers over HTTP, who belong to no session. */
  protected readonly views = new Set<StreamBody>();
  readonly cluster = () => this.#parts.cluster?.();
  #loop: EventLoopUtilization = performance.eventLoopUtilization();

  constructor(parts: ShownParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.system.clock.now();
  }

  tree(): TreeView {
    return treeView(this.#root);
  }

  actors(): readonly ActorView[] {
    return [...this.#parts.system.processes].map(actorView);
  }

  actor(id: string): ActorDetail | undefined {
    const process = this.find(id);
    return process && actorDetail(process);
  }

  treeRows(query: TreeQuery): TreeRows {
    return treeRows(this.#root, query);
  }

  rankedActors(query: RankQuery): readonly RankedActor[] {
    return rankedActors(this.#parts.system.processes, query);
  }

  leaks(): LeaksView {
    const { system, manager } = this.#parts;
    return leaksOf(system, manager.faults());
  }

  clients(): readonly ClientView[] {
    return this.#parts.manager.getAllClients().map(({ ref, info, streams }) => {
      const client = processOf(ref) as Process;
      const { nodeId, implicit = false } = info;
      return { id: client.path, nodeId, state: stateOf(client), implicit, streams: streams.length };
    });
  }

  sessions(): readonly SessionView[] {
    return this.#parts.sessions.views();
  }

  streams(): readonly StreamView[] {
    return [...this.allStreams()].map((stream) => stream.view(stateOf(stream.process)));
  }

  cameras(): readonly CameraView[] {
    return this.#parts.cameraTable.views();
  }

  rooms(): readonly RoomView[] {
    return this.#parts.rooms.views();
  }

  services(): readonly ServiceView[] {
    return this.#parts.board.services.views();
  }

  calls(): readonly CallView[] {
    return this.#parts.board.calls.views();
  }

  topics(): readonly TopicView[] {
    return this.#parts.board.topics.views();
  }

  channels(): readonly ChannelView[] {
    return this.#parts.channels.views();
  }

  resources(): Resources {
    const figures = { views: this.views.size, startedAtMs: this.#startedAtMs, loopSince: this.#loop };
    this.#loop = performance.eventLoopUtilization();
    return resourcesOf(this.#parts, figures);
  }

  why(id: string): readonly CauseView[] {
    return this.#parts.chronicle.why(id);
  }

  events(afterId?: number): readonly GatewayEvent[] {
    return this.#parts.chronicle.since(afterId);
  }

  onEvent(listener: (event: GatewayEvent) => void): () => void {
    return this.#parts.chronicle.listen(listener);
  }

  protected *allStreams(): Generator<StreamBody> {
    for (const session of this.#parts.sessions.all()) yield* session.streams;
    yield* this.views;
    yield* this.#parts.rooms.streams();
  }

  get #root(): Process {
    return this.#parts.system.root as Process;
  }

  protected find(id: string): Process | undefined {
    for (const process of this.#parts.system.processes) if (process.path === id) return process;
    return undefined;
  }
}
