/** What is wrong with a configuration, in one line: which key, what was expected, what came. */
import type { z } from 'zod';

export function faultLine(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `${pathText([...issue.path, key])}: unknown key`;
  }
  const came = issue.path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
  const where = issue.path.length === 0 ? 'configuration' : pathText(issue.path);
  // What came is shown by its type and not in full: a token of the wrong length is still a secret.
  const shown = typeof came === 'number' || typeof came === 'boolean' ? String(came) : kindOf(came);
  return `${where}: ${issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')}, got ${shown}`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );
}
