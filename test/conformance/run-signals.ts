/** One scenario of links, exit signals, monitors, names and calls, among plain processes on virtual time. */
import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate';
import {
  assertNoLeaks,
  call,
  cast,
  type Down,
  ExitError,
  type ExitReason,
  exit,
  fromProcess,
  link,
  type Monitor,
  monitor,
  type Process,
  processOf,
  register,
  requestStop,
  System,
  start,
  stop,
  trapExit,
  unlink,
  unregister,
  VirtualClock,
  whereis,
} from '../../src/otp/index.js';
import { startRoot } from '../../src/otp/spawn.js';
import { decodeReason, encodeReason } from './reasons.js';
import type { Json } from './results.js';
import type { SignalScenario, SignalStep } from './scenario.js';
import { initLogic, type Reply, signalServer } from './signal-server.js';

export async function runSignalScenario(scenario: SignalScenario): Promise<Json[]> {
  const run = new SignalRun();
  const trace: Json[] = [];
  for (const step of scenario.steps) trace.push(await run.step(step));
  run.end(scenario.id);
  return trace;
}

type StepOf<Op extends SignalStep['op']> = Extract<SignalStep, { op: Op }>;

class SignalRun {
  readonly #clock = new VirtualClock();
  readonly #system = new System({ clock: this.#clock });
  readonly #root: Process;
  readonly #processes = new Map<string, AnyActorRef>();
  readonly #names = new WeakMap<object, string>();
  readonly #monitors = new Map<string, { readonly monitor: Monitor; readonly owner: string }>();
  readonly #refs = new WeakMap<Monitor, string>();
  readonly #held = new Map<string, Reply[]>();
  readonly #failures: unknown[] = [];
  #events: string[][] = [];

  constructor() {
    const root = startRoot(
      this.#system,
      fromProcess(() => undefined, { trapExit: true }),
      { id: 'root' },
    );
    this.#root = root.process as Process;
    this.#system.on((event) => {
      if (event.type === 'listener.failed') this.#failures.push(event.error);
      if (event.type !== 'process.down') return;
      const name = this.#names.get(event.process.ref);
      if (name !== undefined) this.#events.push(['exit', name, encodeReason(event.reason)]);
    });
  }

  async step(step: SignalStep): Promise<Json> {
    const pending = this.#perform(step);
    let result: { readonly value: Json } | undefined;
    void pending.then((value) => {
      result = { value };
    });
    // A promise settles after the messages that settle it, and messages follow from promises that settle.
    for (let idle = 0; idle < 3; idle += 1) {
      this.#system.flush();
      await undefined;
      if (this.#clock.advanceToNext()) idle = -1;
    }
    for (let turn = 0; turn < 5 && !result; turn += 1) await undefined;
    if (!result) throw new Error(`step ${JSON.stringify(step)} has no result, though the system is at rest`);
    const events = this.#events.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    this.#events = [];
    const alive = [...this.#processes].filter(([, ref]) => processOf(ref)?.alive).map(([name]) => name);
    return { op: step.op, result: result.value, events, alive: alive.sort() };
  }

  end(id: string): void {
    requestStop(this.#root, 'shutdown');
    for (const ref of this.#processes.values()) exit(ref, 'kill');
    this.#system.flush();
    this.#system.close();
    try {
      if (this.#failures.length > 0) throw this.#failures[0];
      assertNoLeaks(this.#system);
    } catch (error) {
      throw new Error(`scenario "${id}"`, { cause: error });
    }
  }

  async #perform(step: SignalStep): Promise<Json> {
    switch (step.op) {
      case 'spawn':
        return this.#spawn(step.p, step.trap ?? false);
      case 'link':
        return this.#by(step.a, (a) => attempt(() => link(a, this.#ref(step.b))));
      case 'unlink':
        return this.#by(step.a, (a) => attempt(() => unlink(a, this.#ref(step.b))));
      case 'monitor':
        return this.#by(step.a, (a) => this.#keep(step.a, step.ref, monitor(this.#ref(step.b), a)));
      case 'monitor_name':
        return this.#by(step.a, (a) => this.#keep(step.a, step.ref, monitor(step.name, a, this.#system)));
      case 'demonitor':
        return this.#by(step.a, () => this.#demonitor(step));
      case 'trap':
        return this.#by(step.p, (p) => trapExit(p, step.on));
      case 'exit_signal':
        return this.#by(step.from, (from) => {
          exit(this.#ref(step.to), decodeReason(step.reason), { from });
          return processOf(from)?.condemned ? 'died' : 'ok';
        });
      case 'exit':
        return this.#by(step.p, (p) => {
          p.send({ type: 'end', reason: step.reason } as EventObject);
          return 'ok';
        });
      case 'stop':
        return exitOr(stop(this.#ref(step.p), { reason: decodeReason(step.reason), timeout: 5_000 }), () => 'ok');
      case 'register':
        return attempt(() => register(step.name, this.#ref(step.p)));
      case 'unregister':
        return attempt(() => unregister(step.name, this.#system));
      case 'whereis': {
        const ref = whereis(step.name, this.#system);
        return ref ? (this.#names.get(ref) as string) : null;
      }
      case 'start_named':
        return this.#startNamed(step);
      case 'start_init':
        return this.#startInit(step);
      case 'call':
        return this.#call(step);
      case 'release':
        return this.#by(step.p, () => {
          for (const reply of this.#held.get(step.p) ?? []) reply('late');
          this.#held.delete(step.p);
          return 'ok';
        });
      case 'send':
        cast(this.#ref(step.to), { type: 'user', text: step.msg } as EventObject);
        return 'ok';
    }
  }

  #ref(name: string): AnyActorRef {
    const ref = this.#processes.get(name);
    if (!ref) throw new Error(`no process "${name}" has been spawned`);
    return ref;
  }

  /** A process does something itself, as its next event. Only who lives can. */
  #by(name: string, act: (ref: AnyActorRef) => Json): Json {
    const ref = this.#ref(name);
    let result: Json = { exit: 'noproc' };
    const perform = (): void => {
      result = act(ref);
    };
    if (processOf(ref)?.alive) ref.send({ type: 'do', perform } as EventObject);
    return result;
  }

  async #spawn(name: string, trap: boolean): Promise<Json> {
    await this.#start(name, { trap });
    return 'ok';
  }

  async #start(name: string, options: { readonly trap?: boolean; readonly name?: string }): Promise<void> {
    const named = options.name === undefined ? {} : { name: options.name };
    const answer = await start(this.#root.ref, this.#server(name, options.trap ?? false), { id: name, ...named });
    if (answer.error !== undefined || !answer.ok) throw answer.error;
    this.#processes.set(name, answer.ok);
    this.#names.set(answer.ok, name);
  }

  #server(name: string, trap: boolean): AnyActorLogic {
    return signalServer({
      trap,
      hold: (reply) => this.#held.set(name, [...(this.#held.get(name) ?? []), reply]),
      terminated: (reason) => this.#events.push(['term', name, encodeReason(reason)]),
      heard: (event) => this.#events.push(this.#heard(name, event)),
    });
  }

  #heard(name: string, event: EventObject): string[] {
    if (event.type === 'user') return ['msg', name, (event as unknown as { text: string }).text];
    if (event.type === 'EXIT') {
      const { from, reason } = event as unknown as { from: AnyActorRef; reason: ExitReason };
      return ['EXIT', name, this.#names.get(from) as string, encodeReason(reason)];
    }
    if (event.type !== 'DOWN') return ['stray', name, event.type];
    const down = event as unknown as Down;
    const object = down.name === undefined ? (this.#names.get(down.ref as object) as string) : `name:${down.name}`;
    return ['DOWN', name, this.#refs.get(down.monitor) as string, object, encodeReason(down.reason)];
  }

  #keep(owner: string, ref: string, made: Monitor): Json {
    this.#monitors.set(ref, { monitor: made, owner });
    this.#refs.set(made, ref);
    return 'ok';
  }

  #demonitor({ a, ref, flush = false }: StepOf<'demonitor'>): Json {
    const known = this.#monitors.get(ref);
    if (known?.owner !== a) return 'no_ref';
    return known.monitor.demonitor({ flush });
  }

  async #startNamed({ name, p }: StepOf<'start_named'>): Promise<Json> {
    try {
      await this.#start(p, { name });
      return 'ok';
    } catch (error) {
      const { holder } = error as { holder?: AnyActorRef };
      if (!holder) throw error;
      return { error: 'already_started', p: this.#names.get(holder) as string };
    }
  }

  async #startInit({ how, timeout }: StepOf<'start_init'>): Promise<Json> {
    const options = timeout === undefined ? {} : { timeout };
    const answer = await start(this.#root.ref, initLogic(how), { id: 'init', ...options });
    if (answer.error !== undefined) return { error: encodeReason(answer.error) };
    if (!answer.ok) return 'ignore';
    exit(answer.ok, 'kill');
    return 'ok';
  }

  async #call({ by, to, name, req, timeout = 2_000 }: StepOf<'call'>): Promise<Json> {
    const from = this.#ref(by);
    if (!processOf(from)?.alive) return { exit: 'noproc' };
    const target = name === undefined ? this.#ref(to as string) : { name, system: this.#system };
    return exitOr(call(target, req, { from, timeout }), (answer) => ({ ok: answer as string }));
  }
}

function attempt(act: () => void): Json {
  try {
    act();
    return 'ok';
  } catch (error) {
    return { error: error instanceof ExitError ? encodeReason(error.reason) : 'badarg' };
  }
}

async function exitOr<T>(answer: Promise<T>, json: (answer: T) => Json): Promise<Json> {
  try {
    return json(await answer);
  } catch (error) {
    if (error instanceof ExitError) return { exit: encodeReason(error.reason) };
    throw error;
  }
}
