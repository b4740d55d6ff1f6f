/** Subjects and the small messages that go over them. */

/** One word of a subject: what is not a letter, a digit, `-` or `_` is written as its code, so that no name breaks a subject. */
export function subjectWord(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/gu, (char) => `_${(char.codePointAt(0) ?? 0).toString(16)}_`);
}

function encodeJson(value: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The fields of a message; none, where it is not one of ours. */
function decodeJson(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Of another version, or of somebody else.
    return {};
  }
}

export function writeHeartbeat(node: string): Uint8Array {
  return encodeJson({ node });
}

/** Who says that it lives; undefined for what is no heartbeat. */
export function readHeartbeat(body: Uint8Array): string | undefined {
  const { node } = decodeJson(body);
  return typeof node === 'string' ? node : undefined;
}

/** What a new owner tells the old one. */
export interface Taken {
  readonly key: string;
  readonly era: number;
  readonly rev: number;
}

export function writeTaken(key: string, { era, rev }: Omit<Taken, 'key'>): Uint8Array {
  return encodeJson({ key, era, rev });
}

export function readTaken(body: Uint8Array): Taken | undefined {
  const { key, era, rev } = decodeJson(body);
  if (typeof key !== 'string' || typeof era !== 'number' || typeof rev !== 'number') return undefined;
  return { key, era, rev };
}
