/** An outbox under test and the wire below it. */
import { Outbox, type OutboxOptions } from '../../src/flow/outbox.js';

export interface Item {
  readonly id: number;
  readonly bytes: number;
}

/** An outbox whose wire completes a write when told, with a record of what it did. */
export function outboxOnWire(options: Partial<OutboxOptions<Item>> = {}) {
  const written: number[] = [];
  const edges: string[] = [];
  const pending: ((error?: Error | null) => void)[] = [];
  const outbox = new Outbox<Item>({
    policy: 'drop_oldest',
    framesMax: 3,
    bytesMax: 1000,
    sizeOf: (item) => item.bytes,
    write: (item, done) => {
      written.push(item.id);
      pending.push(done);
    },
    onEdge: (edge) => edges.push(edge.type),
    ...options,
  });
  let id = 0;
  return {
    outbox,
    written,
    edges,
    pending,
    push: (bytes = 1) => outbox.push({ id: ++id, bytes }),
    pushMany: (count: number) => Array.from({ length: count }, () => outbox.push({ id: ++id, bytes: 1 })),
    complete: (error?: Error) => pending.shift()?.(error),
    completeAll: () => {
      while (pending.length > 0) pending.shift()?.();
    },
  };
}
