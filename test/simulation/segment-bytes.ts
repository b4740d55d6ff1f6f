/**
 * A recorded segment read by somebody else: by the rules of EBML and nothing of the product's own knowledge, so that what the
 * recorder writes is held against the format and not against itself.
 */

export interface SegmentRead {
  readonly pictures: readonly { readonly atMs: number; readonly data: Buffer }[];
  /** Why it is not whole; `undefined` for one that is. */
  readonly fault: string | undefined;
}

const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
/** Track, time beside the cluster's, flags. */
const BLOCK_HEAD_BYTES = 4;

interface Element {
  readonly id: number;
  readonly body: Buffer;
}

/** Everything up to the first thing that makes no sense. */
export function readSegment(file: Buffer): SegmentRead {
  const pictures: { atMs: number; data: Buffer }[] = [];
  const inside = [...elements(file)].find(({ id }) => id === SEGMENT)?.body;
  if (!inside) return { pictures, fault: 'there is no segment in it' };
  let read = 0;
  for (const { id, body, end } of elements(inside)) {
    read = end;
    if (id !== CLUSTER) continue;
    const parts = new Map([...elements(body)].map((part) => [part.id, part.body]));
    const time = parts.get(TIMESTAMP);
    const block = parts.get(SIMPLE_BLOCK);
    if (!time || !block) return { pictures, fault: `the cluster before ${end} is not whole` };
    pictures.push({ atMs: Number(BigInt(`0x${time.toString('hex')}`)), data: block.subarray(BLOCK_HEAD_BYTES) });
  }
  return { pictures, fault: read === inside.length ? undefined : `it makes no sense from ${read} on` };
}

function* elements(bytes: Buffer): Generator<Element & { readonly end: number }> {
  for (let at = 0; at < bytes.length; ) {
    const id = number(bytes, at, true);
    const size = id && number(bytes, at + id.length, false);
    if (!id || !size) return;
    const from = at + id.length + size.length;
    // All ones: of unknown length, which is to the end.
    const end = size.value === 2 ** (7 * size.length) - 1 ? bytes.length : from + size.value;
    if (end > bytes.length) return;
    yield { id: id.value, body: bytes.subarray(from, end), end };
    at = end;
  }
}

/** A number of EBML: its first byte says how long it is; an id keeps that mark. */
function number(
  bytes: Buffer,
  at: number,
  marked: boolean,
): { readonly value: number; readonly length: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = marked ? first : first & (0xff >> length);
  for (let index = 1; index < length; index += 1) value = value * 256 + (bytes[at + index] as number);
  return { value, length };
}
