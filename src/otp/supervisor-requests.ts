/**
 * What a supervisor may be asked (`supervisor-api.ts`), answered from the table and by the operations of `supervisor-core.ts`.
 * The answers and refusals are OTP's.
 */
import type { AnyActorRef } from 'xstate';
import { type ChildSpec, completeSpec, type FullChildSpec, specFault } from './child-spec.js';
import { type Child, NO_ARGS } from './child-table.js';
import { andThen, type Step } from './operation.js';
import { processOf } from './process.js';
import type { StartResult } from './starts.js';
import type { Answer, ChildCounts, ChildInfo, ChildName, SupervisorRequest } from './supervisor-api.js';
import type { SupervisorCore } from './supervisor-core.js';

type ImmediateRequest = Extract<
  SupervisorRequest,
  { op: 'deleteChild' | 'getChildspec' | 'whichChildren' | 'countChildren' }
>;

export class SupervisorRequests {
  readonly #core: SupervisorCore;
  /** What children of `simple_one_for_one` are made from. */
  readonly #template: FullChildSpec | undefined;

  constructor(core: SupervisorCore) {
    this.#core = core;
    this.#template = this.#simple ? core.options.children[0] : undefined;
  }

  get #simple(): boolean {
    return this.#core.options.strategy === 'simple_one_for_one';
  }

  /** The answer, or the operation that ends with it. */
  answer(request: SupervisorRequest): Step<unknown> {
    switch (request.op) {
      case 'startChild':
        return this.#startChild(request.spec);
      case 'startArgs':
        return this.#startArgs(request.args, request.id);
      case 'terminateChild':
        return this.#terminateChild(request.name);
      case 'restartChild':
        return this.#restartChild(request.name);
      default:
        return this.#answerNow(request);
    }
  }

  #answerNow(request: ImmediateRequest): unknown {
    switch (request.op) {
      case 'deleteChild':
        return this.#deleteChild(request.name);
      case 'getChildspec': {
        const child = this.#find(request.name);
        return child ? { ok: child.spec } : NOT_FOUND;
      }
      case 'whichChildren':
        return this.#whichChildren();
      case 'countChildren':
        return this.#countChildren();
    }
  }

  #find(name: ChildName): Child | undefined {
    if (typeof name === 'string') return this.#simple ? undefined : this.#core.children.get(name);
    const child = this.#simple ? (processOf(name)?.child as Child | undefined) : undefined;
    return child && this.#core.children.has(child) ? child : undefined;
  }

  #startChild(given: ChildSpec): Step<Answer<AnyActorRef | undefined>> {
    if (this.#simple) return { error: { code: 'simple_one_for_one' } };
    const spec = completeSpec(given);
    const fault = specFault(spec, this.#core.options.autoShutdown);
    if (fault) return { error: fault };
    const present = this.#core.children.get(spec.id);
    if (present?.process) return { error: { code: 'already_started', child: present.process.ref } };
    if (present) return { error: { code: 'already_present' } };
    return this.#startNew(spec, NO_ARGS);
  }

  #startArgs(args: readonly unknown[], id: string | undefined): Step<Answer<AnyActorRef | undefined>> {
    const template = this.#template;
    if (!template) return NOT_FOUND;
    return this.#startNew(id === undefined ? template : { ...template, id }, args);
  }

  #startNew(spec: FullChildSpec, args: readonly unknown[]): Step<Answer<AnyActorRef | undefined>> {
    const { maxChildren: max } = this.#core.options;
    if (this.#core.children.size >= max) return { error: { code: 'max_children', max } };
    const child = this.#core.add(spec, args);
    return andThen(this.#core.start(child), (result) => {
      const stays = 'ok' in result && (result.ok || !(this.#simple || spec.restart === 'temporary'));
      if (!stays) this.#core.children.delete(child);
      return answerTo(result);
    });
  }

  #terminateChild(name: ChildName): Step<Answer<undefined>> {
    if (this.#simple && typeof name === 'string') return { error: { code: 'simple_one_for_one' } };
    const child = this.#find(name);
    if (!child) {
      // Under simple_one_for_one a dead child is fine, a living stranger is not.
      const dead = this.#simple && typeof name !== 'string' && processOf(name)?.alive === false;
      return dead ? { ok: undefined } : NOT_FOUND;
    }
    return andThen(this.#core.stop(child), () => {
      if (child.spec.restart === 'temporary' || this.#simple) this.#core.children.delete(child);
      return { ok: undefined };
    });
  }

  #restartChild(name: ChildName): Step<Answer<AnyActorRef | undefined>> {
    if (this.#simple) return { error: { code: 'simple_one_for_one' } };
    const child = this.#find(name);
    if (!child) return NOT_FOUND;
    if (child.state !== 'stopped') return { error: { code: child.state } };
    child.backoff?.reset();
    return andThen(this.#core.start(child), answerTo);
  }

  #deleteChild(name: ChildName): Answer<undefined> {
    if (this.#simple) return { error: { code: 'simple_one_for_one' } };
    const child = this.#find(name);
    if (!child) return NOT_FOUND;
    if (child.state !== 'stopped') return { error: { code: child.state } };
    this.#core.children.delete(child);
    return { ok: undefined };
  }

  #whichChildren(): ChildInfo[] {
    return this.#core.children
      .inOrder()
      .reverse()
      .map(({ spec, process, state }) => ({
        id: spec.id,
        child: process ? process.ref : state === 'restarting' ? 'restarting' : 'stopped',
        type: spec.type,
      }));
  }

  #countChildren(): ChildCounts {
    const children = this.#core.children.inOrder();
    const supervisors = children.filter(({ spec }) => spec.type === 'supervisor').length;
    return {
      specs: this.#simple ? 1 : children.length,
      active: children.filter(({ process }) => process?.alive).length,
      supervisors,
      workers: children.length - supervisors,
    };
  }
}

const NOT_FOUND: Answer<never> = { error: { code: 'not_found' } };

function answerTo(result: StartResult): Answer<AnyActorRef | undefined> {
  return 'error' in result ? { error: { code: 'start_failed', reason: result.error } } : { ok: result.ok?.ref };
}
