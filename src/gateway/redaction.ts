/**
 * What must never be told: tokens, passwords and keys, wherever somebody put one. Drivers and hooks leave them out where they
 * make their messages; this is the last look, at everything that becomes an event or a line of the log, for what a host's code
 * or another server's error may quote.
 */

export const HIDDEN = '[hidden]';

/** Names of fields whose value is nobody's business. */
const SECRET_NAME = /(token|secret|passw(or)?d|authorization|credentials?|api[-_]?key|cookie)$/i;
/** Looked for first: most texts have none of these and are left as they are. */
const SUSPICIOUS = /:\/\/|[?&][^=\s]+=|bearer|basic/i;
const CREDENTIALS = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"']{1,500}@/gi;
const PARAMETER = /([?&][^=&\s]{0,50}(?:token|secret|key|pass|auth|sig|sess)[^=&\s]{0,50}=)[^&\s"'#)]+/gi;
const SCHEME = /\b(bearer|basic)\s+[\w.~+/=-]{4,}/gi;
/** A reason is a line and not a dump. */
const TEXT_MAX = 2_000;
const DEPTH_MAX = 4;

/** Whether a field of this name is nobody's business. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The same text without credentials in URLs, secret parameters and authorization headers, and not longer than a line should be. */
export function withoutSecrets(text: string): string {
  const short = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
  if (!SUSPICIOUS.test(short)) return short;
  return short.replace(CREDENTIALS, `$1${HIDDEN}@`).replace(PARAMETER, `$1${HIDDEN}`).replace(SCHEME, `$1 ${HIDDEN}`);
}

/** The same fields, those with a secret's name hidden and all texts without secrets. */
export function fieldsWithoutSecrets(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(name, value, 1)]));
}

function shown(name: string, value: unknown, depth: number): unknown {
  if (SECRET_NAME.test(name) && value !== undefined) return HIDDEN;
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return withoutSecrets(`${value.name}: ${value.message}`);
  if (depth >= DEPTH_MAX) return '[object]';
  if (Array.isArray(value)) return value.map((item) => shown('', item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(key, inner, depth + 1)]));
}
