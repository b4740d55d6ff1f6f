/**
 * A stream as an actor: the chart of `machines/stream.ts` over a wire. Ten ways out meet in `tearDown`, which runs once:
 * by the chart where it ends in its own time, by the scope where it is killed.
 */
import { type StreamEvent, type StreamInput, streamMachine } from '../../machines/stream.js';
import type { Outbox, OutboxEdge } from '../flow/outbox.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process, ProcessBody } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import { bodyOf } from './body.js';
import type { DataAges } from './data-age.js';
import type { StreamHandle } from './transport.js';
import type { StreamView } from './views.js';

/** What has gone through a stream since it began. A stream counts what it can: its bytes may be unknown and are then 0. */
export interface Traffic {
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly framesOut: number;
  readonly bytesOut: number;
  /** Frames lost, by what lost them: a policy of overflow, `max_age`, or `not_taken`. */
  readonly drops: Readonly<Record<string, number>>;
}

export abstract class StreamBody implements ProcessBody, StreamHandle {
  #process: Process | undefined;
  #call: Held | undefined;
  #reason: ExitReason | undefined;

  abstract readonly kind: string;
  abstract readonly nodeId: string;

  /** Ends the wire and forgets what waits. Called once. */
  protected abstract close(reason: ExitReason): void;

  /** Calls `drained` when all that waits has been written. */
  protected abstract drain(drained: () => void): void;

  abstract figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'>;

  /** How old the data in it is; absent for a stream that need not carry any. */
  protected data(_nowMs: number): DataAges | undefined {
    return undefined;
  }

  /** Asked only by whoever counts; survives the end of the stream. */
  traffic(): Traffic {
    const { sent, drops } = this.figures();
    return { framesIn: 0, bytesIn: 0, framesOut: sent, bytesOut: 0, drops: { not_taken: drops } };
  }

  attach(process: Process): void {
    this.#process = process;
    this.#call = process.scope.acquire('call', () => this.close(this.#reason ?? process.exit ?? 'shutdown'));
  }

  get process(): Process {
    return this.#process as Process;
  }

  get id(): string {
    return this.process.path;
  }

  get alive(): boolean {
    return this.#process?.alive === true;
  }

  send(event: StreamEvent): void {
    this.#process?.send(event);
  }

  peerCancelled(): void {
    this.send({ type: 'peer.cancelled' });
  }

  peerHalfClosed(): void {
    this.send({ type: 'peer.halfClosed' });
  }

  failed(error: Error): void {
    this.send({ type: 'stream.failed', error });
  }

  deadlineExceeded(): void {
    this.send({ type: 'deadline.exceeded' });
  }

  /** What the queue of this stream tells its chart. */
  protected get onEdge(): (edge: OutboxEdge) => void {
    return (edge) => this.#onEdge(edge);
  }

  #onEdge(edge: OutboxEdge): void {
    switch (edge.type) {
      case 'filled':
        this.send({ type: 'queue.filled' });
        break;
      case 'drained':
        this.send({ type: 'queue.drained' });
        break;
      case 'completed':
        this.send({ type: 'write.completed' });
        break;
      case 'failed':
        this.send({ type: 'send.failed', error: edge.error });
        break;
      case 'overflowed':
        this.send({ type: 'owner.lost', reason: { shutdown: 'slow_consumer' } });
        break;
    }
  }

  /** The one teardown. */
  tearDown(reason: ExitReason): void {
    this.#reason = reason;
    void this.#call?.release();
    this.process.system.post(this.process.ref, { type: 'teardown.completed' });
  }

  drainQueue(): void {
    this.drain(() => this.send({ type: 'stream.ended' }));
  }

  view(state: string): StreamView {
    const data = this.data(this.process.system.clock.now());
    return { id: this.id, kind: this.kind, nodeId: this.nodeId, state, ...this.figures(), ...(data ? { data } : {}) };
  }
}

/** What has left by this queue. */
export function sentBy(outbox: Pick<Outbox<unknown>, 'sent' | 'sentBytes' | 'policy' | 'dropsByReason'>): Traffic {
  const { sent, sentBytes, policy, dropsByReason } = outbox;
  const drops = { [policy]: dropsByReason.full, max_age: dropsByReason.aged };
  return { framesIn: 0, bytesIn: 0, framesOut: sent, bytesOut: sentBytes, drops };
}

export const streamLogic = streamMachine.provide({
  actions: {
    tearDown: ({ context, self }) => bodyOf<StreamBody>(self).tearDown(context.reason),
    drainQueue: ({ self }) => bodyOf<StreamBody>(self).drainQueue(),
  },
});

/** How long a teardown may take; ours are synchronous, so this is for hosts that bring their own wire. */
const TEARDOWN_MS = 2_000;

/** One for all streams with the same settings. */
const inputs = new WeakMap<object, StreamInput>();

export function streamInput(stream: { readonly sendTimeoutMs: number; readonly stallMs: number }): StreamInput {
  let input = inputs.get(stream);
  if (!input) {
    input = { sendTimeoutMs: stream.sendTimeoutMs, stallMs: stream.stallMs, teardownMs: TEARDOWN_MS };
    inputs.set(stream, input);
  }
  return input;
}
