/** Rules of the gateway taken away, one at a time, as changes to its text. The simulation must notice each. */

import { recordingMutants } from './mutants-recordings.js';
import { streamMutants } from './mutants-streams.js';
import { uplinkMutants } from './mutants-uplinks.js';

export interface Mutant {
  /** The rule that no longer holds. */
  readonly rule: string;
  /** A compiled file, without its ending. */
  readonly file: string;
  /** This text, which is there exactly once, … */
  readonly text: string;
  /** … becomes this. */
  readonly becomes: string;
  /** It is caught by never coming to rest, after so much as `unrest.ts` says, and by nothing else. */
  readonly runsInCircles?: boolean;
}

export const mutants: readonly Mutant[] = [
  ...streamMutants,
  ...uplinkMutants,
  ...recordingMutants,
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
    text: 'void this.#parts.turn.closing(attempt.release()).then(closed);',
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
    text: 'this.#streams = this.#streams.filter((other) => other !== body);',
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
  {
    rule: 'whoever has ended is struck off its topics',
    file: 'src/gateway/topics',
    text: 'for (const pattern of known.patterns)\n            this.trie.remove(pattern, known.subscriber);',
    becomes: '',
  },
  {
    rule: 'a subscriber gets a publication once, however many patterns fit',
    file: 'src/gateway/topic-trie',
    text: 'return union([...active].map((node) => node.subscribers).filter((subscribers) => subscribers.size > 0));',
    becomes: 'return [...active].flatMap((node) => [...node.subscribers]);',
  },
  {
    rule: 'a fresh topic desk is told of every subscription',
    file: 'src/gateway/topics',
    text: 'for (const { subscriber, pattern } of adopt())\n            this.subscribe(subscriber, pattern);',
    becomes: '',
  },
  {
    rule: 'whoever has ended provides nothing',
    file: 'src/gateway/services',
    text: 'this.table.forget(ref);',
    becomes: '',
  },
  {
    rule: 'a fresh service desk is told of every registration',
    file: 'src/gateway/services',
    text: 'for (const { provider, procedure, ttlMs } of input.adopt())',
    becomes: 'for (const { provider, procedure, ttlMs } of [])',
  },
  {
    rule: 'a registration goes when its time is over',
    file: 'src/gateway/service-table',
    text: 'const over = [...this.entries()].filter((entry) => this.expiresAtMs(entry) <= nowMs);',
    becomes: 'const over = [];',
  },
  {
    rule: 'a registration is renewed when its provider is heard',
    file: 'src/gateway/service-table',
    text: 'Math.max(entry.usedAtMs, this.#byProvider.get(entry.provider)?.heardAtMs ?? 0)',
    becomes: 'entry.usedAtMs',
  },
  {
    rule: 'the calls of a caller that has ended are forgotten',
    file: 'src/gateway/call-table',
    text: "this.#end(call, 'forgotten', effects);",
    becomes: ';',
  },
  {
    rule: 'a call to a provider that has ended is put to the next',
    file: 'src/gateway/call-table',
    text: 'this.#askNext(call, nowMs, effects);\n        }',
    becomes: ';\n        }',
  },
  {
    rule: 'a call that has ended is over',
    file: 'src/gateway/call-table',
    text: 'call.over = true;\n        this.#byId.delete(call.id);',
    becomes: 'call.over = true;',
  },
  {
    rule: 'a call has its time',
    file: 'src/gateway/calls',
    text: 'this.#perform(this.table.timedOut(call, this.nowMs))',
    becomes: 'undefined',
  },
  {
    rule: 'calls are answered when their desk ends',
    file: 'src/gateway/calls',
    text: "this.#settle(data, failed('provider_down', 'the call was lost with its desk'));",
    becomes: ';',
  },
  {
    rule: 'whoever was told to start is told to stop, whatever the end',
    file: 'src/gateway/app',
    text: 'if (this.#stopOwed)\n                this.stopApp(false);',
    becomes: '',
  },
  {
    rule: 'a channel in use is never closed for another',
    file: 'src/gateway/channel-pool',
    text: 'const oldest = this.#idle.takeOldest();',
    becomes: 'const [oldest] = this.#slots;',
  },
  {
    rule: 'a channel whose place was needed is closed',
    file: 'src/gateway/channel-pool',
    text: 'this.#close(oldest);',
    becomes: '',
  },
  {
    rule: 'whoever asks meanwhile waits for the same attempt',
    file: 'src/gateway/channel-pool',
    text: 'this.#byKey.set(wanted.key, slot);',
    becomes: '',
  },
  {
    rule: 'a pool has a limit',
    file: 'src/gateway/channel-pool',
    text: 'if (this.#slots.size < this.#limits.channelsMax)',
    becomes: 'if (this.#slots.size <= this.#limits.channelsMax)',
  },
  {
    rule: 'a lease ends with its owner',
    file: 'src/gateway/channels',
    text: "owned = scope?.acquire('lease', withdraw);",
    becomes: ';',
  },
  {
    rule: 'nobody waits for a pool that is only replaced',
    file: 'src/gateway/channels',
    text: 'input.last?.() === false ? undefined : pool.shutdown()',
    becomes: 'pool.shutdown()',
  },
];
