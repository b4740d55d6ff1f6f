/** Rules of the gateway taken away, one at a time, as changes to its text. The simulation must notice each. */

export interface Mutant {
  /** The rule that no longer holds. */
  readonly rule: string;
  /** A compiled file, without its ending. */
  readonly file: string;
  /** This text, which is there exactly once, … */
  readonly text: string;
  /** … becomes this. */
  readonly becomes: string;
}

export const mutants: readonly Mutant[] = [
  {
    rule: 'a stream that ends takes only its own place in client_streams',
    file: 'machines/client-manager',
    text: 'if (state.clientStreams.get(entry.nodeId)?.ref === stream)\n        state.clientStreams.delete(entry.nodeId);',
    becomes: 'state.clientStreams.delete(entry.nodeId);',
  },
  {
    rule: 'streams are monitored',
    file: 'machines/client-manager',
    text: "const effects = before ? [] : [{ type: 'monitor', ref: stream }];",
    becomes: 'const effects = [];',
  },
  {
    rule: 'a place that is held counts',
    file: 'machines/client-manager',
    text: 'if (adds && state.clients.size + state.held.size >= state.clientsMax)',
    becomes: 'if (adds && state.clients.size >= state.clientsMax)',
  },
  {
    rule: 'the place of a lost client is held',
    file: 'machines/client-manager',
    text: 'if (known.info.resumable && !event.left)',
    becomes: 'if (false)',
  },
  {
    rule: 'a resume token is spent by its use',
    file: 'src/gateway/resume-token',
    text: 'this.#digest = digestOf(token);',
    becomes: 'this.#digest ??= digestOf(token);',
  },
  {
    rule: 'a stream is torn down once',
    file: 'src/gateway/stream',
    text: 'void this.#call?.release();',
    becomes: 'this.close(reason);',
  },
  {
    rule: 'an attempt begins when the one before is closed',
    file: 'src/gateway/camera',
    text: 'void attempt.release().then(closed);',
    becomes: 'void attempt.release(), closed();',
  },
  {
    rule: 'a scope ends when what was released early is given back',
    file: 'src/otp/scope',
    text: 'while (this.#releasing)\n            await Promise.all(this.#releasing);',
    becomes: '',
  },
  {
    rule: 'whoever is superseded is told so',
    file: 'src/gateway/client',
    text: "if (detail !== 'bye') {",
    becomes: "if (detail !== 'bye' && detail !== 'superseded') {",
  },
  {
    rule: 'the end of a client that was replaced says nothing about the session',
    file: 'src/gateway/session',
    text: 'if (client !== this.#client)\n            return;\n        // The token',
    becomes: '// The token',
  },
  {
    rule: 'a session keeps no stream that has ended',
    file: 'src/gateway/session',
    text: 'this.#streams.delete(body);',
    becomes: '',
  },
  {
    rule: 'a supervisor that is killed takes its children along',
    file: 'src/otp/supervisor',
    text: 'this.core.killAll();',
    becomes: '',
  },
  {
    rule: 'a queue has a limit',
    file: 'src/flow/outbox',
    text: 'return length < this.#framesMax &&',
    becomes: 'return',
  },
  {
    rule: 'nothing is started for an owner who is not there',
    file: 'machines/app',
    text: "ownerIsHere: stateIn({ alive: { owner: 'here' } }),",
    becomes: 'ownerIsHere: () => true,',
  },
  {
    rule: 'a fresh client manager is told of everybody alive',
    file: 'src/gateway/sessions',
    text: 'if (!session.alive)\n                continue;\n            if (!client',
    becomes: "if (!session.alive || session.state === 'connected')\n                continue;\n            if (!client",
  },
];
