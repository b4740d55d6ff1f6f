/**
 * A camera in the simulated world that every node has: the one that holds its key reads it, the others have its pictures through the
 * product's own relay, over a connection of its own that goes wrong by itself. What is looked at while it happens:
 *
 *     I1  its source is open at one node that may act      I3  no frame of a token or an incarnation that was replaced is taken
 *     I4  who has no lease takes and sends no frame
 *     F1  frames come in order, none twice        F2  each crosses once for each watching node
 *     F3  without a word of that node no more than its credit is on the way     F4  nor anything once its interest has ended
 *     F5  each frame is sent, waits or is counted as dropped      F6  who is named as slow is behind
 *     F7  when the trouble is over all who watch see every frame
 */
import { OwnedCameras } from '../../src/cluster/owned-cameras.js';
import { type Media, RelaySender } from '../../src/cluster/relay-send.js';
import { ACK_EVERY, CREDIT_FRAMES, INTEREST_TTL_MS, readInterest, readRelay } from '../../src/cluster/relay-words.js';
import type { FrameConsumer } from '../../src/gateway/camera.js';
import type { Picture } from '../../src/gateway/frame.js';
import type { FrameSource, SourceAttempt, SourceFactory } from '../../src/gateway/frame-source.js';
import { RelayLife } from './relay-life.js';
import type { SimulatedNode, World } from './simulated-node.js';

const CAMERA = 'z';
const KEY = `camera.${CAMERA}`;
const FRAME_MS = 350;
/** How long before the end nobody takes the camera any more, and how long before it every frame has to come. */
const CALM_MS = 3_000;
const LAST_MS = 1_500;
/** A sweep each half of the time to live, and clocks that drift. */
const INTEREST_OVER_MS = INTEREST_TTL_MS * 1.5 * 1.05;

/** What one frame was, by its number in its picture. */
interface Made {
  readonly owner: string;
  readonly inc: number;
  readonly rev: number;
  readonly atMs: number;
}

export class SimulatedRelay {
  readonly #world: World;
  readonly #lives = new Map<SimulatedNode, RelayLife>();
  readonly #made: Made[] = [];
  readonly #crossed = new Set<string>();
  readonly #endMs: number;
  /** When somebody else got the camera last. */
  #changedMs = 0;

  constructor(world: World, endMs: number) {
    this.#world = world;
    this.#endMs = endMs;
    world.store.listen((bucket, { key }) => {
      if (bucket === 'own' && key === KEY) this.#changedMs = world.timeline.nowMs;
    });
  }

  /** A node's life begins: its camera, which is wanted most of the time. */
  began(node: SimulatedNode): void {
    const { dice } = this.#world;
    const life = new RelayLife();
    this.#lives.set(node, life);
    const media = this.#tapped(node, life);
    const owned = new OwnedCameras({
      node: () => node.cluster,
      relay: (camera, from, listener, clock) => life.watcher.open(camera, from, listener, clock),
      onElsewhere: (camera, to) => life.sender?.moved(camera, to),
    });
    life.sender = new RelaySender({
      node: node.name,
      inc: () => node.cluster.inc,
      mayAct: () => node.cluster.mayAct(),
      media,
      clock: node.clock,
      camera: (id) => (id === CAMERA ? { join: (consumer) => this.#join(life, consumer) } : undefined),
      token: (id) => owned.token(id),
      elsewhere: (id) => owned.elsewhere(id),
      onSlow: (_camera, slow) => this.#checkSlow(node, life, slow),
    });
    const nodeOf = (camera: string): string | undefined => owned.elsewhere(camera);
    life.watcher.reachedBy({ node: node.name, inc: () => node.cluster.inc, media, nodeOf });
    const factory: SourceFactory = () => this.#device(node, life);
    life.source = owned.sources(factory)('simulated:', {}, { id: CAMERA });
    node.every(
      () => FRAME_MS,
      () => this.#take(node, life),
    );
    node.every(
      () => 700 + dice.roll() * 600,
      () => this.#want(node, life),
    );
  }

  /** Another node is not heard, or its lease has ended. */
  gone(node: SimulatedNode, other: string): void {
    const life = this.#lives.get(node);
    life?.sender?.nodeGone(other);
    life?.watcher.nodeGone(other);
  }

  /** The camera itself, which cannot tell who opens it. */
  #device(node: SimulatedNode, life: RelayLife): FrameSource {
    return {
      kind: 'simulated',
      label: 'simulated:',
      open: (listener) => {
        for (const [other, { reads }] of this.#lives) {
          if (other !== node && reads && !other.crashed && other.cluster.mayAct())
            this.#world.fail(`I1 ${node.name} opens the camera while ${other.name} has it open and may act`);
        }
        life.reads = listener;
        return {
          close: async () => {
            if (life.reads === listener) life.reads = undefined;
            this.#world.timeline.promised = true;
          },
        };
      },
    };
  }

  #take(node: SimulatedNode, life: RelayLife): void {
    const { timeline } = this.#world;
    if (!life.reads) return;
    const rev = node.cluster.ownership(KEY)?.token.rev ?? 0;
    const number = this.#made.push({ owner: node.name, inc: node.cluster.inc, rev, atMs: timeline.nowMs });
    const data = Buffer.alloc(4);
    data.writeUInt32BE(number);
    life.reads.picture({ contentType: 'image/jpeg', data });
  }

  /** A picture of this node's camera, its own or from elsewhere: for those who watch here, and those who watch there. */
  #picture(node: SimulatedNode, life: RelayLife, { data: picture }: Picture): void {
    const number = picture.readUInt32BE();
    this.#saw(node, life, number);
    if (life.consumers.size === 0) return;
    const frame = { cameraId: CAMERA, seq: number, timestampMs: number, contentType: 'image/jpeg', key: true };
    const mayAct = node.cluster.mayAct();
    for (const [consumer, to] of [...life.consumers]) {
      const heard = life.heard.get(to);
      if (mayAct && heard) heard.pushed += 1;
      consumer.push({ ...frame, picture, message: picture });
    }
    if (mayAct) this.#checkCounts(node, life);
  }

  #join(life: RelayLife, consumer: FrameConsumer): () => boolean {
    life.consumers.set(consumer, life.watchingTo);
    return () => life.consumers.delete(consumer);
  }

  /** As a camera's chart does: open while somebody watches, and again some time after it failed. */
  #want(node: SimulatedNode, life: RelayLife): void {
    const { dice, timeline } = this.#world;
    if (timeline.nowMs > this.#endMs - 4 * CALM_MS) life.wanted = true;
    else if (dice.chance(0.04)) life.wanted = !life.wanted;
    const wanted = life.wanted || life.consumers.size > 0;
    if (life.attempt && !wanted) {
      void life.attempt.close();
      life.attempt = undefined;
      timeline.promised = true;
    } else if (!life.attempt && wanted) {
      const attempt: SourceAttempt | undefined = life.source?.open(
        {
          opened: () => {},
          picture: (picture) => this.#picture(node, life, picture),
          failed: () => {
            if (life.attempt === attempt) life.attempt = undefined;
          },
        },
        { clock: node.clock },
      );
      life.attempt = attempt;
    }
  }

  #saw(node: SimulatedNode, life: RelayLife, number: number): void {
    const { fail, timeline, store } = this.#world;
    const { owner, inc, rev } = this.#made[number - 1] as Made;
    if (number <= life.lastNumber) fail(`F1 ${node.name} saw frame ${number} of ${owner} after ${life.lastNumber}`);
    life.lastNumber = Math.max(life.lastNumber, number);
    if (rev < life.lastRev)
      fail(`I3 ${node.name} took a frame of ${owner} under ${rev} after one under ${life.lastRev}`);
    life.lastRev = Math.max(life.lastRev, rev);
    const highest = life.incs.get(owner) ?? 0;
    if (inc < highest) fail(`I3 ${node.name} took a frame of ${owner}/${inc} after one of ${owner}/${highest}`);
    life.incs.set(owner, Math.max(inc, highest));
    if (owner === node.name && store.leaseOf(owner) !== inc) fail(`I4 ${owner} takes pictures without a lease`);
    if (timeline.nowMs > this.#endMs - 2 * CALM_MS) life.seen.add(number);
  }

  /** The connection for frames, with an eye on what goes over it. */
  #tapped(node: SimulatedNode, life: RelayLife): Media {
    const engine = node.connect(`${node.name}.media`);
    return {
      messageBytesMax: engine.messageBytesMax,
      publish: (subject, body) => {
        const to = /^media\.(\w+)\.frames\./.exec(subject)?.[1];
        if (to !== undefined) this.#sends(node, life, to, body);
        engine.publish(subject, body);
      },
      subscribe: (subject, onMessage) =>
        engine.subscribe(subject, (body, from) => {
          const interest = subject.endsWith('.interest') ? readInterest(body) : undefined;
          if (interest && !interest.stop) this.#hears(node, life, interest.node, interest.got);
          onMessage(body, from);
        }),
    };
  }

  #hears(node: SimulatedNode, life: RelayLife, from: string, got: number): void {
    const heard = life.heard.get(from) ?? { atMs: 0, got: 0, sinceSent: 0, sent: 0, pushed: 0, last: 0 };
    life.heard.set(from, Object.assign(heard, { atMs: node.clock.now(), got, sinceSent: 0 }));
  }

  #sends(node: SimulatedNode, life: RelayLife, to: string, body: Uint8Array): void {
    const { fail, store } = this.#world;
    const heard = life.heard.get(to);
    const said = readRelay(body);
    if (!said || !heard) {
      fail(`F4 ${node.name} speaks to ${to}, who never asked`);
      return;
    }
    if (said.head.type === 'watching') {
      Object.assign(heard, { sent: 0, pushed: 0 });
      life.watchingTo = to;
      return;
    }
    if (said.head.type !== 'frame') return;
    heard.sent += 1;
    heard.last = said.head.n;
    heard.sinceSent += 1;
    const number = Buffer.from(said.picture).readUInt32BE();
    const name = `${to} ${number}`;
    if (this.#crossed.has(name)) fail(`F2 frame ${number} crossed to ${to} twice`);
    this.#crossed.add(name);
    if (heard.sinceSent > CREDIT_FRAMES)
      fail(`F3 ${node.name} sent ${to} ${heard.sinceSent} frames without a word of it`);
    if (store.leaseOf(node.name) !== node.cluster.inc) fail(`I4 ${node.name} sends frames without a lease`);
  }

  #checkSlow(node: SimulatedNode, life: RelayLife, slow: string): void {
    const heard = life.heard.get(slow);
    if (!heard || heard.sent < CREDIT_FRAMES || heard.last - heard.got < ACK_EVERY)
      this.#world.fail(
        `F6 ${node.name} says that ${slow} is slow: ${heard?.sent} sent up to ${heard?.last}, ${heard?.got} taken`,
      );
  }

  #checkCounts(node: SimulatedNode, life: RelayLife): void {
    const { fail, timeline } = this.#world;
    for (const { node: to, sent, dropped } of life.sender?.views() ?? []) {
      const { pushed = 0, atMs = 0 } = life.heard.get(to) ?? {};
      const silentMs = node.clock.now() - atMs;
      if (silentMs > INTEREST_OVER_MS && node.wellSince(timeline.nowMs - 100))
        fail(`F4 ${node.name} serves ${to} ${Math.round(silentMs)} ms after its interest`);
      const waiting = pushed - sent - dropped;
      if (waiting < 0 || waiting > 1)
        fail(`F5 ${node.name} has ${pushed} frames for ${to}: ${sent} sent, ${dropped} dropped`);
    }
  }

  /** When everything is over: everybody saw each of the last frames. */
  settled(): void {
    const { store, nodes, fail } = this.#world;
    const settledMs = this.#endMs - 2 * CALM_MS;
    // Whose watch has lost something for long does not know who has the camera.
    if (this.#changedMs > settledMs || store.watchAgainMs > CALM_MS) return;
    const last = this.#made.flatMap(({ atMs }, at) =>
      atMs > this.#endMs - LAST_MS && atMs < this.#endMs - 100 ? [at + 1] : [],
    );
    if (last.length < LAST_MS / FRAME_MS - 3) fail(`F7 nobody reads the camera: ${last.length} of its last frames`);
    for (const node of nodes) {
      const life = this.#lives.get(node);
      if (!life || store.lagUntilMs(node.name) > settledMs) continue;
      const missed = last.filter((number) => !life.seen.has(number));
      if (missed.length > 0) fail(`F7 ${node.name} missed ${missed.length} of the last ${last.length} frames`);
    }
  }
}
