/** One supervisor scenario from start to stop, step by step, each recorded when the system is at rest. */
import type { AnyActorRef } from 'xstate';
import {
  assertNoLeaks,
  countChildren,
  deleteChild,
  ExitError,
  type ExitReason,
  getChildspec,
  type Process,
  requestStop,
  restartChild,
  SupervisorOptionsError,
  startChild,
  startChildWith,
  stop,
  supervisor,
  terminateChild,
  whichChildren,
} from '../../src/otp/index.js';
import { startRoot } from '../../src/otp/spawn.js';
import { supervisorOptionsOf } from '../../src/otp/supervisor.js';
import { inStopOrder } from './canonical.js';
import { decodeReason, encodeReason } from './reasons.js';
import { type Json, startErrorJson, toJson } from './results.js';
import type { Injected, Scenario, Step } from './scenario.js';
import { crash, type DynamicArgs, ScenarioTree } from './scenario-tree.js';

interface InjectedResult {
  readonly at: string;
  readonly op: string;
  readonly result: Pending;
}

/** A request that has been made; what came of it is read when the system is at rest. */
interface Pending {
  value: Json | undefined;
}

export async function runScenario(scenario: Scenario): Promise<Json[]> {
  const run = new ScenarioRun();
  const trace = [await run.start(scenario)];
  for (const step of scenario.steps) trace.push(await run.step(step));
  await run.end(scenario.id);
  return trace;
}

class ScenarioRun {
  readonly #tree = new ScenarioTree();
  #top: Process | undefined;
  #injected: InjectedResult[] = [];

  constructor() {
    this.#tree.inject = (at, path, request) => {
      this.#injected.push({ at, op: request.op, result: this.#inject(path, request) });
    };
  }

  async start({ sup }: Scenario): Promise<Json> {
    const tree = this.#tree;
    tree.attempt('top');
    let error: unknown;
    try {
      const spawned = startRoot(tree.system, supervisor(tree.options(sup, 'top')), { id: 'top' });
      tree.rest();
      error = spawned.error ?? spawned.process?.startError;
      if (error === undefined) this.#top = spawned.process;
    } catch (thrown) {
      if (!(thrown instanceof SupervisorOptionsError)) throw thrown;
      error = thrown;
    }
    if (this.#top) tree.started('top', this.#top);
    else tree.events.push(['fail', 'top', 1]);
    return this.#record('start', { value: error === undefined ? 'ok' : startErrorJson(error as ExitReason) });
  }

  async step(step: Step): Promise<Json> {
    const result = this.#perform(step);
    this.#tree.rest();
    return this.#record(step.op, result);
  }

  /** Stops what is left and lets nothing be left behind. */
  async end(id: string): Promise<void> {
    if (this.#top?.alive) requestStop(this.#top, 'shutdown');
    this.#tree.rest();
    this.#tree.system.close();
    try {
      if (this.#tree.failures.length > 0) throw this.#tree.failures[0];
      assertNoLeaks(this.#tree.system);
    } catch (error) {
      throw new Error(`scenario "${id}"`, { cause: error });
    }
  }

  async #record(op: string, result: Pending): Promise<Json> {
    // Promises of what has been answered by now settle here.
    await settled();
    const tree = this.#top?.alive ? await this.#view(this.#top.ref) : undefined;
    const injected = this.#injected.map(({ at, op: kind, result: pending }) => ({
      at,
      op: kind,
      result: known(pending),
    }));
    this.#injected = [];
    const events = inStopOrder(this.#tree.events);
    this.#tree.events = [];
    const top = this.#top
      ? this.#top.alive
        ? 'alive'
        : { exit: encodeReason(this.#top.exit as ExitReason) }
      : 'not_started';
    return {
      op,
      result: known(result),
      ...(injected.length > 0 ? { injected } : {}),
      events,
      top,
      ...(tree ? { tree } : {}),
    };
  }

  async #view(ref: AnyActorRef): Promise<Json[]> {
    const answer = whichChildren(ref);
    this.#tree.rest();
    const simple = supervisorOptionsOf(ref)?.strategy === 'simple_one_for_one';
    const nodes: { id: string; [field: string]: Json }[] = [];
    for (const { id, child, type } of [...(await answer)].reverse()) {
      if (child === 'restarting') throw new Error(`"${id}" is still restarting at rest`);
      if (child === 'stopped') nodes.push({ id, type, state: 'stopped' });
      else {
        const children = type === 'supervisor' ? { children: await this.#view(child) } : {};
        nodes.push({ id, type, state: 'running', n: this.#tree.nameOf(child).attempt, ...children });
      }
    }
    return simple ? nodes.sort((a, b) => (a.id < b.id ? -1 : 1)) : nodes;
  }

  #perform(step: Step): Pending {
    switch (step.op) {
      case 'crash':
        return { value: this.#crash(step.path, step.reason) };
      case 'crash_many':
        return this.#crashMany(step.sup, step.targets);
      case 'stop':
        return this.#stop(step.path, step.reason);
      case 'stop_sup':
        if (!this.#top?.alive) return NOPROC;
        requestStop(this.#top, 'shutdown');
        return { value: 'ok' };
      default:
        return this.#request(step);
    }
  }

  #crash(path: string, reason: string): Json {
    const process = this.#tree.living(path);
    if (!process) return NOPROC.value as Json;
    crash(process, reason);
    return 'ok';
  }

  #crashMany(path: string, targets: readonly { path: string; reason: string }[]): Pending {
    const held = this.#supervisorAt(path);
    if (!('ref' in held)) return held;
    held.ref.send({ type: 'supervisor.suspend' });
    const results = targets.map((target) => {
      const result = this.#crash(target.path, target.reason);
      this.#tree.rest();
      return result;
    });
    held.ref.send({ type: 'supervisor.resume' });
    return { value: results };
  }

  #stop(path: string, reason: string): Pending {
    const process = this.#tree.living(path);
    if (!process) return NOPROC;
    if (process.kind === 'supervisor') void stop(process.ref, { reason: decodeReason(reason) }).catch(() => {});
    else crash(process, reason);
    return { value: 'ok' };
  }

  #supervisorAt(path: string): Process | Pending {
    const process = this.#tree.living(path);
    if (!process) return NOPROC;
    return process.kind === 'supervisor' ? process : SKIPPED;
  }

  #inject(path: string, request: Injected): Pending {
    const supervisorProcess = this.#tree.living(path);
    if (request.op === 'crash') {
      return { value: this.#crash(request.path as string, request.reason as string) };
    }
    // Its first start is not over, so nobody knows its name yet.
    if (!supervisorProcess) return SKIPPED;
    return this.#request({ ...request, sup: path } as RequestStep);
  }

  #request(step: RequestStep): Pending {
    const found = this.#supervisorAt(step.sup);
    if (!('ref' in found)) return found;
    const { ref } = found;
    const simple = supervisorOptionsOf(ref)?.strategy === 'simple_one_for_one';
    const answer = this.#ask(ref, step, simple);
    if (!answer) return SKIPPED;
    const pending: Pending = { value: undefined };
    answer.then(
      (value) => {
        pending.value = toJson(step.op, value, { simple, nameOf: (child) => this.#tree.nameOf(child) });
      },
      (error: unknown) => {
        if (!(error instanceof ExitError)) throw error;
        pending.value = { exit: encodeReason(error.reason) };
      },
    );
    return pending;
  }

  #ask(ref: AnyActorRef, step: RequestStep, simple: boolean): Promise<unknown> | undefined {
    if (step.op === 'which_children') return whichChildren(ref);
    if (step.op === 'count_children') return countChildren(ref);
    if (step.op === 'start_child') {
      if (simple) return startChildWith(ref, [step.id, step.args ?? ({} satisfies DynamicArgs)], step.id);
      if (!step.child) throw new Error(`start_child of "${step.sup}": field child is missing`);
      return startChild(ref, this.#tree.spec(step.child, step.sup));
    }
    let name: string | AnyActorRef = step.id;
    if (step.by === 'pid') {
      const process = this.#tree.latest(`${step.sup}/${step.id}`);
      if (!process) return undefined;
      name = process.ref;
    }
    if (step.op === 'terminate_child') return terminateChild(ref, name);
    if (step.op === 'restart_child') return restartChild(ref, name);
    if (step.op === 'delete_child') return deleteChild(ref, name);
    return getChildspec(ref, name);
  }
}

type RequestStep = Exclude<Step, { op: 'crash' | 'crash_many' | 'stop' | 'stop_sup' }>;

const NOPROC: Pending = { value: { exit: 'noproc' } };
const SKIPPED: Pending = { value: 'skipped' };

function known({ value }: Pending): Json {
  if (value === undefined) throw new Error('a request was not answered, though the system is at rest');
  return value;
}

/** A few turns of the microtask queue: enough for a settled promise to be seen by those who wait for it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await undefined;
}
