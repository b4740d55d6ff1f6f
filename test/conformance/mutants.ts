/** Rules of OTP taken away or bent, one at a time, as changes to the kernel's text. Each must be noticed. */

export interface Mutant {
  /** The rule that no longer holds. */
  readonly rule: string;
  /** A file of `src/otp`, without its ending. */
  readonly file: string;
  /** This text, which is there exactly once, … */
  readonly text: string;
  /** … becomes this. */
  readonly becomes: string;
  readonly signals?: true;
}

export const mutants: readonly Mutant[] = [
  {
    rule: 'intensity restarts are allowed, not one fewer',
    file: 'restart-intensity',
    text: 'this.#stamps.length <= this.#intensity',
    becomes: 'this.#stamps.length < this.#intensity',
  },
  {
    rule: 'the restart after the last allowed one is not done',
    file: 'restart-intensity',
    text: 'this.#stamps.length <= this.#intensity',
    becomes: 'this.#stamps.length <= this.#intensity + 1',
  },
  {
    rule: 'a group is started in start order',
    file: 'supervisor-core',
    text: 'for (const sibling of group) {',
    becomes: 'for (const sibling of group.toReversed()) {',
  },
  {
    rule: 'children are stopped in reverse start order',
    file: 'supervisor-core',
    text: 'const children = this.children.inOrder().reverse();\n        const cause',
    becomes: 'const children = this.children.inOrder();\n        const cause',
  },
  {
    rule: 'a group is stopped in reverse start order',
    file: 'supervisor-core',
    text: 'for (const sibling of group.toReversed()) {',
    becomes: 'for (const sibling of group) {',
  },
  {
    rule: 'a temporary child that ends is forgotten',
    file: 'supervisor-core',
    text: "if (restart === 'temporary' || this.#simple)",
    becomes: 'if (this.#simple)',
  },
  {
    rule: 'a temporary sibling is forgotten in a group restart',
    file: 'supervisor-core',
    text: "if (sibling.spec.restart === 'temporary')",
    becomes: 'if (false)',
  },
  {
    rule: 'a retry waits behind what is queued already',
    file: 'supervisor-core',
    text: "this.process.system.post(this.process.ref, { type: 'child.retry', child });",
    becomes: "this.process.ref.send({ type: 'child.retry', child });",
  },
  {
    rule: 'a group restart starts stopped siblings too',
    file: 'supervisor-core',
    text: 'if (!this.children.has(sibling))',
    becomes: 'if (!this.children.has(sibling) || (sibling !== child && sibling.restarts === 0 && !sibling.previous))',
  },
  {
    rule: 'only an own exit can trigger the auto shutdown',
    file: 'supervisor-requests',
    text: "if (child.spec.restart === 'temporary' || this.#simple)\n                this.#core.children.delete(child);\n            return { ok: undefined };",
    becomes:
      "if (child.spec.restart === 'temporary' || this.#simple)\n                this.#core.children.delete(child);\n            this.#core.checkAutoShutdown(child);\n            return { ok: undefined };",
  },
  {
    rule: 'all_significant waits for the other significant children',
    file: 'supervisor-core',
    text: "autoShutdown === 'all_significant' && another",
    becomes: 'false',
  },
  {
    rule: 'a transient child is not restarted after a clean exit',
    file: 'exit-reason',
    text: "return reason === 'normal' || reason === 'shutdown' || isShutdownWithDetail(reason);",
    becomes: "return reason === 'normal' || reason === 'shutdown';",
  },
  {
    rule: 'rest_for_one leaves the earlier children alone',
    file: 'supervisor-core',
    text: "strategy === 'one_for_all' ? all : all.slice(all.indexOf(child))",
    becomes: 'all',
  },
  {
    rule: 'a child that does not end in its time is killed',
    file: 'endings',
    text: "scope.timer(shutdown, () => process.terminate('killed', cause))",
    becomes: "scope.timer(shutdown, () => process.terminate('shutdown', cause))",
  },
  {
    rule: 'a failed retry counts as a restart',
    file: 'supervisor-core',
    text: 'return undefined;\n        return this.restart(child);',
    becomes: 'return undefined;\n        return this.#restartOne(child);',
  },
  {
    rule: 'a supervisor that gives up ends with shutdown',
    file: 'supervisor-core',
    text: "this.stopping = 'shutdown';\n        return undefined;",
    becomes: "this.stopping = 'killed';\n        return undefined;",
  },
  {
    rule: 'a child that runs cannot be deleted',
    file: 'supervisor-requests',
    text: "if (child.state !== 'stopped')\n            return { error: { code: child.state } };\n        this.#core.children.delete(child);",
    becomes: 'this.#core.children.delete(child);',
  },
  {
    rule: 'those started are stopped again when a later one cannot start',
    file: 'supervisor-core',
    text: 'yield* this.stopAll();\n                return { shutdown',
    becomes: 'return { shutdown',
  },
  {
    rule: 'kill becomes killed for those who watch',
    file: 'signals',
    text: "process.terminate('killed', options.cause)",
    becomes: "process.terminate('kill', options.cause)",
    signals: true,
  },
  {
    rule: 'a normal signal from another is ignored unless trapped',
    file: 'process',
    text: "reason !== 'normal' || from === this",
    becomes: 'true',
    signals: true,
  },
  {
    rule: 'one unlink, from either side, removes the link',
    file: 'signals',
    text: 'other.links?.delete(one);',
    becomes: '',
    signals: true,
  },
  {
    rule: 'a monitor on the dead says noproc, never the old reason',
    file: 'monitor',
    text: "this.#send(system, 'noproc', undefined)",
    becomes: "this.#send(system, target?.exit ?? 'noproc', undefined)",
    signals: true,
  },
  {
    rule: 'a call to oneself is refused',
    file: 'call',
    text: 'if (callee === caller)',
    becomes: 'if (false)',
    signals: true,
  },
  {
    rule: 'a name is free when its process ends',
    file: 'process',
    text: 'if (this.name !== undefined)\n            system.registry.unregister(this.name);',
    becomes: '',
    signals: true,
  },
];
