/**
 * What an actor's chart remembers, as somebody may see it: numbers, words and short texts, everything large as its size, nothing
 * that is secret by its name or by its looks. What others brought along (metadata, headers) is counted and not shown.
 */
import { HIDDEN, isSecretName, withoutSecrets } from './redaction.js';

const FIELDS_MAX = 40;
const TEXT_MAX = 200;
const ITEMS_MAX = 10;
const DEPTH_MAX = 3;
const BROUGHT = /^(metadata|headers|info|labels|query)$/i;

/** Undefined for an actor without data of its own. */
export function contextView(context: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isPlain(context)) return undefined;
  const view = fieldsOf(context as object, 1);
  return Object.keys(view).length > 0 ? view : undefined;
}

function fieldsOf(value: object, depth: number): Readonly<Record<string, unknown>> {
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined && typeof inner !== 'function');
  return Object.fromEntries(fields.slice(0, FIELDS_MAX).map(([name, inner]) => [name, shown(name, inner, depth)]));
}

function shown(name: string, value: unknown, depth: number): unknown {
  if (isSecretName(name)) return HIDDEN;
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return value;
    case 'string':
      return value.length > TEXT_MAX ? `[${value.length} characters]` : withoutSecrets(value);
    case 'object':
      return value === null ? null : objectShown(name, value, depth);
    default:
      return String(value);
  }
}

function objectShown(name: string, value: object, depth: number): unknown {
  if (value instanceof Error) return withoutSecrets(`${value.name}: ${value.message}`).slice(0, TEXT_MAX);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name} of ${value.size}]`;
  if (Array.isArray(value)) {
    if (value.length > ITEMS_MAX || depth >= DEPTH_MAX) return `[${value.length} items]`;
    return value.map((item) => shown(name, item, depth + 1));
  }
  if (!isPlain(value)) return `[${value.constructor?.name ?? 'object'}]`;
  if (BROUGHT.test(name) || depth >= DEPTH_MAX) return `[${Object.keys(value).length} fields]`;
  return fieldsOf(value, depth + 1);
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
