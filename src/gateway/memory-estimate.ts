/**
 * About how many bytes an actor remembers: the data of its chart's context and the buffers in it. It is an estimate to
 * compare actors by. What closures, private fields and the engine hold is not in it, and neither are other actors.
 */
import type { Process } from '../otp/process.js';

/** Values looked at in one actor; what is beyond is not counted, so that no actor makes the others wait. */
const VALUES_MAX = 1_000;
const OBJECT_BYTES = 32;
const VALUE_BYTES = 8;

export function memoryEstimate(process: Process): number {
  const { context } = process.ref.getSnapshot() as { readonly context?: unknown };
  const left: unknown[] = [context];
  const seen = new Set<object>();
  let bytes = 0;
  for (let looked = 0; left.length > 0 && looked < VALUES_MAX; looked += 1) {
    const value = left.pop();
    if (typeof value === 'string') bytes += VALUE_BYTES + value.length * 2;
    else if (typeof value !== 'object' || value === null) bytes += VALUE_BYTES;
    else if (ArrayBuffer.isView(value)) bytes += OBJECT_BYTES + value.byteLength;
    else if (!seen.has(value)) {
      seen.add(value);
      bytes += OBJECT_BYTES;
      left.push(...partsOf(value));
    }
  }
  return bytes;
}

/** What plain data consists of. An instance of a class is somebody else's: an actor, a socket, a queue. */
function partsOf(value: object): unknown[] {
  if (Array.isArray(value)) return value.slice(0, VALUES_MAX);
  if (value instanceof Map) return [...value].flat().slice(0, VALUES_MAX);
  if (value instanceof Set) return [...value].slice(0, VALUES_MAX);
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : [];
}
