/** What goes wrong: links, processes, watches and the engine itself, each for a while. */
import type { SimulatedStore } from './simulated-engine.js';
import type { Dice, Network, Timeline } from './simulated-world.js';

export interface FragileNode {
  readonly name: string;
  readonly crashed: boolean;
  readonly paused: boolean;
  /** Until when something was wrong with it or its way to the engine. */
  troubledMs: number;
  start(): void;
  crash(): void;
  pause(ms: number): void;
}

export interface FragileWorld {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly network: Network;
  readonly store: SimulatedStore;
  readonly nodes: readonly FragileNode[];
}

const KINDS = 10;
/** A watch that lags is no excuse for acting on: others tell, and records are read again. */
const LAGGING_WATCH = 7;

/** One thing goes wrong now. */
export function goWrong({ timeline, dice, network, store, nodes }: FragileWorld): void {
  const node = dice.pick(nodes);
  const forMs = 500 + dice.roll() * 6_000;
  const kind = dice.below(KINDS);
  if (kind !== LAGGING_WATCH) node.troubledMs = Math.max(node.troubledMs, timeline.nowMs + forMs);
  switch (kind) {
    case 0:
      network.cut(node.name, 'E', forMs);
      network.cut('E', node.name, forMs);
      break;
    case 1:
      network.cut(node.name, 'R', forMs);
      break;
    case 2:
      if (!node.crashed && !node.paused) node.pause(forMs);
      break;
    case 3:
      if (!node.crashed) {
        node.crash();
        timeline.after(forMs, () => node.start());
      }
      break;
    case 4:
      store.awayUntilMs = timeline.nowMs + forMs / 3;
      break;
    case 5:
      // In one direction only.
      if (dice.chance(0.5)) network.cut(node.name, 'E', forMs);
      else network.cut('E', node.name, forMs);
      break;
    case 6:
      // A user's connect that arrives when the user is long elsewhere.
      network.cut('X', node.name, forMs);
      break;
    case LAGGING_WATCH:
      // A watch that stands still for long, as after the loss of an engine's server.
      store.lag(node.name, 3 * forMs + 5_000);
      break;
    case 8:
      // The process is replaced while users wait for it: the new one knows nothing of what the old one had seen.
      if (node.crashed) break;
      network.cut('X', node.name, forMs);
      node.crash();
      timeline.after(forMs / 2, () => node.start());
      break;
    case 9:
      for (const other of nodes) if (other !== node) network.cut(node.name, other.name, forMs);
      break;
  }
}
