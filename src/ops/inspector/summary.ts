/**
 * A value as a viewer needs it: small, whatever its size, and without secrets. A table of ten thousand clients costs as much
 * to show as an empty one, because what is in it is never looked at.
 */

const DEPTH_MAX = 3;
const TEXT_MAX = 200;
const ITEMS_MAX = 20;
const SECRET = /token|secret|password|authorization/i;

export function summary(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}… (${value.length} characters)` : value;
    case 'function':
      return `[function ${value.name}]`;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'object':
      return value === null ? null : objectSummary(value, depth);
    default:
      return value;
  }
}

function objectSummary(value: object, depth: number): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name} of ${value.size}]`;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    if (value.length > ITEMS_MAX || depth >= DEPTH_MAX) return `[Array of ${value.length}]`;
    return value.map((item) => summary(item, depth + 1));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `[${value.constructor?.name ?? 'object'}]`;
  const keys = Object.keys(value);
  if (keys.length > ITEMS_MAX || depth >= DEPTH_MAX) return `[object of ${keys.length}]`;
  const shown = (key: string): unknown =>
    SECRET.test(key) ? '[hidden]' : summary((value as Record<string, unknown>)[key], depth + 1);
  return Object.fromEntries(keys.map((key) => [key, shown(key)]));
}
