/**
 * What viewers get, held against what their camera made: nothing is lost without being counted, nothing waits beyond the
 * limits, whoever reads at once has the newest frame however slow the others are, and whoever does not read is given up in
 * time.
 */

import type { OverflowPolicy } from '../../src/flow/outbox.js';
import { stateOf } from '../../src/gateway/structure.js';
import { QUEUE_BYTES, QUEUE_FRAMES } from './limits.js';
import type { SimulatedFrames } from './wires.js';
import type { Watch, World } from './world.js';

export interface Viewing {
  readonly watch: Watch;
  readonly wire: SimulatedFrames;
  readonly cameraId: string;
  readonly policy: OverflowPolicy;
  /** It asked for fewer frames than there are. */
  readonly paced: boolean;
  /** Frames that its camera had made when it was let in. */
  framesBefore: number;
  /** Since when its queue is seen to be full. */
  fullSinceMs: number | undefined;
  /** How it left, and when. */
  left: { readonly how: 'now' | 'halfClose'; readonly atMs: number } | undefined;
}

type Faults = Generator<string>;

export class Deliveries {
  readonly #world: World;
  readonly #viewings = new Set<Viewing>();

  constructor(world: World) {
    this.#world = world;
    world.checks.push(() => this.#faults());
  }

  add(viewing: Omit<Viewing, 'framesBefore' | 'fullSinceMs' | 'left'>): Viewing {
    const whole: Viewing = { ...viewing, framesBefore: 0, fullSinceMs: undefined, left: undefined };
    this.#viewings.add(whole);
    return whole;
  }

  /** It was let in. */
  begun(viewing: Viewing): void {
    viewing.framesBefore = this.#framesOf(viewing.cameraId);
  }

  of(watch: Watch): Viewing | undefined {
    for (const viewing of this.#viewings) if (viewing.watch === watch) return viewing;
    return undefined;
  }

  #framesOf(id: string): number {
    return (
      this.#world.tree.cameras
        .all()
        .find((camera) => camera.id === id)
        ?.view().frames ?? 0
    );
  }

  *#faults(): Faults {
    for (const viewing of this.#viewings) {
      const { stream } = viewing.watch;
      if (!stream) continue;
      if (!stream.alive) {
        this.#viewings.delete(viewing);
        continue;
      }
      const state = stateOf(stream.process);
      yield* this.#overdue(viewing);
      if (state.startsWith('alive.open.')) {
        yield* this.#account(viewing);
        yield* this.#room(viewing);
        yield* this.#stall(viewing, state);
      }
    }
  }

  *#account({ watch, wire, cameraId, policy, paced, framesBefore }: Viewing): Faults {
    const { queued, sent, drops } = watch.stream?.figures() ?? { queued: 0, sent: 0, drops: 0 };
    if (sent !== wire.completed) yield `I-account: ${watch.label} sent ${sent}, its wire took ${wire.completed}`;
    if (queued > 0 && !wire.writing) yield `I-account: ${queued} wait for ${watch.label}, and nothing is being written`;
    // What it skips, and what it refuses and leaves to the camera, it does not count as lost.
    if (paced || policy === 'block') return;
    const frames = this.#framesOf(cameraId);
    const offered = wire.firstSeq === 0 ? 0 : frames - wire.firstSeq + 1;
    const known = sent + queued + drops + (wire.writing ? 1 : 0);
    if (known !== offered) yield `I-account: ${watch.label} was offered ${offered}, and accounts for ${known}`;
    if (wire.readsAtOnce && frames > framesBefore && wire.lastSeq !== frames)
      yield `I-slow: ${watch.label} reads at once and has frame ${wire.lastSeq} of ${frames}`;
  }

  *#room({ watch, wire, cameraId, policy, paced }: Viewing): Faults {
    const queued = watch.stream?.figures().queued ?? 0;
    const most = policy === 'latest' ? 1 : QUEUE_FRAMES;
    if (queued > most) yield `I-bound: ${queued} wait for ${watch.label}, ${most} may`;
    if (paced || queued < 2 || (policy !== 'drop_oldest' && policy !== 'latest')) return;
    // Those that wait are the newest.
    const frames = this.#framesOf(cameraId);
    let bytes = 0;
    for (let seq = frames - queued + 1; seq <= frames; seq += 1) bytes += this.#world.ledger.sizeOf(seq);
    if (bytes > QUEUE_BYTES) yield `I-bound: ${bytes} bytes wait for ${watch.label}, ${QUEUE_BYTES} may`;
    if (wire.lastSeq > frames - queued) yield `I-order: ${watch.label} keeps frames that it has written`;
  }

  *#stall(viewing: Viewing, state: string): Faults {
    const { watch, wire, policy } = viewing;
    const queued = watch.stream?.figures().queued ?? 0;
    const nowMs = this.#world.clock.now();
    const full = queued >= (policy === 'latest' ? 1 : QUEUE_FRAMES);
    viewing.fullSinceMs = full ? (viewing.fullSinceMs ?? nowMs) : undefined;
    if (viewing.fullSinceMs === undefined || !wire.writing) return;
    const { sendTimeoutMs, stallMs } = this.#world.options.stream;
    const hangsMs = nowMs - Math.max(viewing.fullSinceMs, wire.writingSinceMs);
    if (hangsMs > sendTimeoutMs && state !== 'alive.open.stalled')
      yield `I-stall: ${watch.label} takes nothing for ${hangsMs} ms and is ${state}`;
    if (hangsMs > sendTimeoutMs + stallMs) yield `I-stall: ${watch.label} takes nothing for ${hangsMs} ms and lives`;
  }

  *#overdue({ watch, left }: Viewing): Faults {
    if (!left) return;
    const sinceMs = this.#world.clock.now() - left.atMs;
    if (left.how === 'now') yield `I-teardown: ${watch.label} has left and lives`;
    else if (sinceMs > this.#world.options.stream.sendTimeoutMs)
      yield `I-teardown: ${watch.label} said its last ${sinceMs} ms ago and lives`;
  }
}
