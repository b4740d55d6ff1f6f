/** Subjects and the small messages that go over them. */

/** One word of a subject: what is not a letter, a digit, `-` or `_` is written as its code, so that no name breaks a subject. */
export function subjectWord(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/gu, (char) => `_${(char.codePointAt(0) ?? 0).toString(16)}_`);
}

export function encodeJson(value: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The fields of a message; none, where it is not one of ours. */
export function decodeJson(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Of another version, or of somebody else.
    return {};
  }
}
