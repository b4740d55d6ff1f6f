/**
 * What a caller may do, as the configuration says it (`grpc.auth.*.may`). A rule is one of
 *
 * - `*`: everything;
 * - a permission: `watch`, `publish`, `connect`, `call`, `audio`;
 * - a permission for some things only: `watch:front`, `publish:yard-*`, `connect:edge-1`, `call:echo.*`, where `*` stands for
 *   any characters, and the thing is the camera, the node id, the procedure, or the user of the audio bridge;
 * - the path of a method: `/sluice.v1.Gateway/Watch`, `/sluice.v1.Camera/*`.
 *
 * Nothing here knows who the caller is, or how calls come.
 */

export const PERMISSIONS = ['watch', 'publish', 'connect', 'call', 'audio'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What a rule may look like. */
export const RULE = /^(\*|(watch|publish|connect|call|audio)(:\S+)?|\/\S+)$/;

/** The answer to whether a method may be called: for anything, for some things, or not at all. */
export type Grant = 'all' | 'some' | 'none';

interface ScopedRule {
  readonly permission: Permission;
  readonly thing: (name: string) => boolean;
}

export class Rules {
  #everything = false;
  readonly #permissions = new Set<string>();
  readonly #scoped: ScopedRule[] = [];
  readonly #paths: ((path: string) => boolean)[] = [];

  constructor(rules: readonly string[]) {
    for (const rule of rules) {
      const [permission = '', pattern] = splitOnce(rule);
      if (rule === '*') this.#everything = true;
      else if (rule.startsWith('/')) this.#paths.push(wildcard(rule));
      else if (pattern === undefined) this.#permissions.add(permission);
      else this.#scoped.push({ permission: permission as Permission, thing: wildcard(pattern) });
    }
  }

  /** Whether the method at `path`, which needs `permission`, may be called. A method that needs none known is for `*` and paths. */
  grant(path: string, permission: Permission | undefined): Grant {
    if (this.#everything || this.#paths.some((fits) => fits(path))) return 'all';
    if (permission === undefined) return 'none';
    if (this.#permissions.has(permission)) return 'all';
    return this.#scoped.some((rule) => rule.permission === permission) ? 'some' : 'none';
  }

  /** Where the grant is `some`: whether it covers this thing. */
  covers(permission: Permission, thing: string): boolean {
    return this.#scoped.some((rule) => rule.permission === permission && rule.thing(thing));
  }
}

function splitOnce(rule: string): readonly [string, string?] {
  const at = rule.indexOf(':');
  return at < 0 ? [rule] : [rule.slice(0, at), rule.slice(at + 1)];
}

/** `*` stands for any characters; everything else for itself. */
function wildcard(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`, 's');
  return (text) => expression.test(text);
}
