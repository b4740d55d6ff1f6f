/** A supervisor on virtual time whose children can be looked at and made to crash. */
import type { AnyActorLogic } from 'xstate';
import {
  type Application,
  type Backoff,
  fromProcess,
  type KernelEvent,
  type SupervisorOptions,
  startApplication,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Crashes when it is told to. */
export const worker: AnyActorLogic = fromProcess(() => ({
  receive: ({ type }) => {
    if (type === 'boom') throw new Error('boom');
  },
}));

export const backoff: Backoff = { initialMs: 100, factor: 2, maxMs: 1_000, resetAfterMs: 5_000 };

export class Tree {
  readonly clock = new VirtualClock();
  readonly events: KernelEvent[] = [];
  app!: Application;

  static async start(options: SupervisorOptions, random = () => 0): Promise<Tree> {
    const tree = new Tree();
    tree.app = await startApplication('top', options, { clock: tree.clock, random });
    tree.app.system.on((event) => tree.events.push(event));
    return tree;
  }

  async child(id: string) {
    return (await whichChildren(this.app.root)).find((child) => child.id === id)?.child;
  }

  async state(id: string): Promise<string> {
    const child = await this.child(id);
    return typeof child === 'string' ? child : child ? 'running' : 'none';
  }

  async crash(id: string): Promise<void> {
    const child = await this.child(id);
    if (!child || typeof child === 'string') throw new Error(`child "${id}" is ${child}`);
    child.send({ type: 'boom' });
    this.app.system.flush();
  }

  get chart(): unknown {
    return this.app.root.getSnapshot().value;
  }

  get waits(): number[] {
    return this.events.flatMap((event) => (event.type === 'child.backingOff' ? [event.waitMs] : []));
  }

  get gaveUp(): string[] {
    return this.events.flatMap((event) => (event.type === 'child.gaveUp' ? [event.childId] : []));
  }
}
