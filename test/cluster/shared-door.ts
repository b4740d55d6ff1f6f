/** A camera that several gateways are configured with, seen from the camera's side: who reads it, under which token, and when. */
import type { SourceContext, SourceListener } from '../../src/gateway/frame-source.js';
import type { OwnershipToken } from '../../src/gateway/ownership.js';

const FRAME_MS = 10;

export interface Reading {
  readonly by: string;
  readonly key: string | undefined;
  readonly token: OwnershipToken | undefined;
  ended: boolean;
}

export class SharedDoor {
  /** Every opening, in order. */
  readonly readings: Reading[] = [];
  /** The most that have read at once. */
  most = 0;
  pictures = 0;
  /** How long a closing takes. Milliseconds. */
  closeMs = 0;
  /** Whether its source fails whoever opens it, and for whom. */
  refusing: string | undefined;
  readonly #open = new Map<Reading, SourceListener>();
  #timer: NodeJS.Timeout | undefined;

  /** The driver of `door:` at this gateway. */
  readonly driver = (by: string) => () => ({
    kind: 'door',
    label: 'door:',
    open: (listener: SourceListener, { owner }: SourceContext) => {
      const reading: Reading = { by, key: owner?.key, token: owner?.token, ended: false };
      this.readings.push(reading);
      this.#open.set(reading, listener);
      this.most = Math.max(this.most, this.#open.size);
      this.#timer ??= setInterval(() => this.#tick(), FRAME_MS);
      return {
        close: async () => {
          if (reading.ended) return;
          if (this.closeMs > 0) await new Promise((resolve) => setTimeout(resolve, this.closeMs));
          reading.ended = true;
          this.#open.delete(reading);
          if (this.#open.size > 0) return;
          clearInterval(this.#timer);
          this.#timer = undefined;
        },
      };
    },
  });

  /** Who reads it now. */
  get readers(): readonly string[] {
    return [...this.#open.keys()].map(({ by }) => by);
  }

  #tick(): void {
    this.pictures += 1;
    const data = Buffer.alloc(2_000);
    data.writeUInt32BE(this.pictures);
    for (const listener of [...this.#open.values()]) listener.picture({ contentType: 'image/jpeg', data });
  }
}
