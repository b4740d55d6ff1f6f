/** An outbox under test and the wire below it. */
import { Outbox, type OutboxOptions } from '../../src/flow/outbox.js';

export interface Item {
  readonly id: number;
  readonly bytes: number;
}

export interface OnWireOptions extends Partial<Omit<OutboxOptions<Item>, 'batch' | 'age'>> {
  readonly batchBytes?: number | undefined;
  readonly maxAgeMs?: number | undefined;
}

/** An outbox whose wire completes a write when told, with a record of what it did. */
export function outboxOnWire({ batchBytes, maxAgeMs, ...options }: OnWireOptions = {}) {
  const written: number[] = [];
  /** The ids of each write, of which a batch is one. */
  const writes: number[][] = [];
  let nowMs = 1_000;
  const edges: string[] = [];
  const pending: ((error?: Error | null) => void)[] = [];
  const outbox = new Outbox<Item>({
    policy: 'drop_oldest',
    framesMax: 3,
    bytesMax: 1000,
    sizeOf: (item) => item.bytes,
    write: (item, done) => {
      written.push(item.id);
      writes.push([item.id]);
      pending.push(done);
    },
    ...(batchBytes && {
      batch: {
        bytesMax: batchBytes,
        write: (items, done) => {
          written.push(...items.map(({ id }) => id));
          writes.push(items.map(({ id }) => id));
          pending.push(done);
        },
      },
    }),
    ...(maxAgeMs && { age: { maxAgeMs, clock: { now: () => nowMs } } }),
    onEdge: (edge) => edges.push(edge.type),
    ...options,
  });
  let id = 0;
  return {
    outbox,
    written,
    writes,
    edges,
    pending,
    /** Time goes by. */
    pass: (ms: number) => {
      nowMs += ms;
    },
    push: (bytes = 1) => outbox.push({ id: ++id, bytes }),
    pushMany: (count: number) => Array.from({ length: count }, () => outbox.push({ id: ++id, bytes: 1 })),
    complete: (error?: Error) => pending.shift()?.(error),
    completeAll: () => {
      while (pending.length > 0) pending.shift()?.();
    },
  };
}
