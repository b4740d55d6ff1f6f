/** A call made outside Connect: a stream of its own that ends with the answer. Whatever ends it earlier forgets the call. */
import type { ExitReason } from '../otp/exit-reason.js';
import type { CallOutcome, Calls } from './calls.js';
import { StreamBody } from './stream.js';
import type { CallOptions, CallWire } from './transport.js';
import type { StreamView } from './views.js';

export class CallStream extends StreamBody {
  readonly kind = 'call';
  readonly nodeId: string;
  readonly #wire: CallWire;
  #outcome: CallOutcome | undefined;

  constructor(nodeId: string, wire: CallWire) {
    super();
    this.nodeId = nodeId;
    this.#wire = wire;
  }

  begin(calls: Calls, { procedure, payload, timeoutMs }: CallOptions): void {
    if (!this.alive) return;
    this.send({ type: 'stream.opened' });
    calls.call({ caller: this.process.ref, procedure, payload, timeoutMs }, (outcome) => {
      this.#outcome = outcome;
      this.send({ type: 'stream.ended' });
    });
  }

  /** A caller that has said all still waits for its answer. */
  override peerHalfClosed(): void {}

  protected override close(reason: ExitReason): void {
    if (this.#outcome) this.#wire.answer(this.#outcome);
    else this.#wire.end(reason);
  }

  protected override drain(drained: () => void): void {
    drained();
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    return { queued: 0, sent: 0, drops: 0 };
  }
}
