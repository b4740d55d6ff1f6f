/** A message of two parts: a small head of fields, and bytes that are not looked into. */

/** The length of the head, before it. Bytes. */
const LENGTH_BYTES = 4;

export function packParts(head: Readonly<Record<string, unknown>>, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const packed = new Uint8Array(LENGTH_BYTES + text.length + body.length);
  new DataView(packed.buffer).setUint32(0, text.length);
  packed.set(text, LENGTH_BYTES);
  packed.set(body, LENGTH_BYTES + text.length);
  return packed;
}

export interface Parts {
  /** Empty where it cannot be read. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

/** Never throws: what cannot be read is of another version, and has an empty head. */
export function unpackParts(packed: Uint8Array): Parts {
  const nothing: Parts = { head: {}, body: new Uint8Array() };
  if (packed.length < LENGTH_BYTES) return nothing;
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  if (length > packed.length - LENGTH_BYTES) return nothing;
  try {
    const head: unknown = JSON.parse(new TextDecoder().decode(packed.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
    if (typeof head !== 'object' || head === null) return nothing;
    return { head: head as Record<string, unknown>, body: packed.subarray(LENGTH_BYTES + length) };
  } catch {
    return nothing;
  }
}
