/**
 * A viewer's stream along every path of `machines/stream.ts`: the real actor with its real outbox, on a real camera; the
 * source and the wire are the test's.
 */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { streamMachine } from '../../machines/stream.js';
import { configure } from '../../src/configuration.js';
import { Camera, cameraLogic } from '../../src/gateway/camera.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import { streamLogic } from '../../src/gateway/stream.js';
import { Turn } from '../../src/gateway/turn.js';
import { Viewer } from '../../src/gateway/viewer.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';
import { exit } from '../../src/otp/signals.js';
import { HeldSource } from './paths/held-source.js';
import { HeldWire } from './paths/held-wire.js';
import { isDelay, type ModelEvent } from './paths/model.js';
import { type Cause, NEVER_MS, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const error = new Error('connection reset');
const input = { sendTimeoutMs: 2_000, stallMs: 30_000, teardownMs: 500 };
const QUEUE_FRAMES = 3;

class ViewerSubject extends Subject {
  readonly #source = new HeldSource();
  readonly #wire = new HeldWire();
  readonly #camera: Camera;
  readonly #viewer: Viewer;

  constructor() {
    super();
    const [options] = configure({
      cameras: [{ id: 'front', source: 'held:', staleMs: NEVER_MS, firstFrameMs: NEVER_MS, lingerMs: NEVER_MS }],
    }).cameras as [CameraOptions];
    this.#camera = new Camera({
      turn: new Turn(),
      options,
      source: this.#source,
      encode: () => Buffer.alloc(100),
      jitter: 0,
      note: () => {},
    });
    this.start(cameraLogic, { id: 'camera', input: this.#camera.input, body: this.#camera });
    this.#viewer = new Viewer({
      camera: this.#camera,
      wire: this.#wire,
      nodeId: 'n1',
      maxFps: 0,
      policy: 'drop_oldest',
      queueFrames: QUEUE_FRAMES,
      queueBytes: 1_000_000,
    });
    this.walksAs(this.start(streamLogic, { id: 'viewer', input, body: this.#viewer }));
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    const opening = this.is({ alive: 'opening' });
    const open = this.is({ alive: 'open' });
    const full = this.is({ alive: { open: 'paused' } }) || this.is({ alive: { open: 'stalled' } });
    const halfClosed = this.is({ alive: 'halfClosed' });
    const closing = this.is('closing');
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'stream.opened':
        return opening ? () => this.#begin() : undefined;
      case 'queue.filled':
        return this.is({ alive: { open: 'flowing' } }) ? () => this.#overfill() : undefined;
      case 'write.completed':
        return full ? () => this.#completeOne() : undefined;
      case 'queue.drained':
        return full ? () => this.#wire.completeAll() : undefined;
      case 'peer.halfClosed':
        return open ? () => this.#withOneInHand(() => this.#viewer.peerHalfClosed()) : undefined;
      case 'stream.ended':
        return halfClosed ? () => this.#wire.completeAll() : undefined;
      case 'send.failed':
        return open || halfClosed ? () => this.#withOneInHand(() => this.#wire.complete(error)) : undefined;
      case 'owner.lost':
        return open ? () => exit(this.#camera.process.ref, 'kill') : undefined;
      case 'teardown.completed':
        return closing ? () => this.system.flush() : undefined;
      case 'stream.failed':
        return () => this.#viewer.failed(error);
      case 'peer.cancelled':
        return () => this.#viewer.peerCancelled();
      case 'deadline.exceeded':
        return () => this.#viewer.deadlineExceeded();
      default:
        return undefined;
    }
  }

  override check(state: AnyMachineSnapshot): void {
    const ended = state.value === 'closing' || state.value === 'closed';
    const reason = (state.context as { reason: ExitReason }).reason;
    expect((this.snapshot.context as { reason: ExitReason }).reason).toEqual(reason);
    expect(this.#wire.ends, 'ends of the wire').toEqual(ended ? [reason] : []);
    expect(this.system.census.count('call'), 'calls held').toBe(ended ? 0 : 1);
    expect(this.#camera.viewers, 'viewers').toBe(this.is({ alive: 'open' }) ? 1 : 0);
    expect(this.#viewer.process.exit).toEqual(state.status === 'done' ? reason : undefined);
  }

  override checkEnd(): void {
    expect(this.#wire.ends, 'ends of the wire').toHaveLength(1);
  }

  override async end(): Promise<void> {
    exit(this.#camera.process.ref, 'kill');
    for (const attempt of this.#source.alive) attempt.finish();
    await super.end();
  }

  /** The camera opens its source for it. */
  #begin(): void {
    this.#viewer.begin();
    this.system.flush();
  }

  /** Pictures come and the wire takes none. */
  #overfill(): void {
    for (let pictures = 0; pictures <= QUEUE_FRAMES; pictures += 1) this.#source.picture();
  }

  /** The wire takes one, but the queue is as full as it was: another picture came. */
  #completeOne(): void {
    this.#source.picture();
    this.#wire.complete();
  }

  #withOneInHand(then: () => void): void {
    if (!this.#wire.writing) this.#source.picture();
    then();
  }
}

walkEveryPath("a viewer's stream", {
  machine: streamMachine,
  size: { states: 21, moves: 72 },
  input,
  events: [
    { type: 'stream.opened' },
    { type: 'peer.halfClosed' },
    { type: 'queue.filled' },
    { type: 'queue.drained' },
    { type: 'write.completed' },
    { type: 'teardown.completed' },
    { type: 'stream.ended' },
    { type: 'stream.failed', error },
    { type: 'peer.cancelled' },
    { type: 'deadline.exceeded' },
    { type: 'iterator.broken' },
    { type: 'send.failed', error },
    { type: 'silence.detected' },
    { type: 'owner.lost', reason: { shutdown: 'source_failed' } },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: () => new ViewerSubject(),
  injected: {
    'iterator.broken': 'a viewer over gRPC is cancelled instead; only readers within the process break an iteration',
    'owner.lost': 'before it is opened and after its peer has half-closed, a viewer is not among those of its camera',
    'send.failed': 'before it is opened a viewer sends nothing',
    'silence.detected': 'a viewer is expected to say nothing; this is for streams from somebody',
    'stream.ended': 'a camera never ends in order; other streams end so at any time',
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
