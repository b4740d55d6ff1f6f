/** What goes wrong: links, processes, watches and the engine itself, each for a while. */
import type { SimulatedStore } from './simulated-store.js';
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

const KINDS = 11;
/** A watch that lags is no excuse for acting on: others tell, and records are read again. */
const LAGGING_WATCH = 7;
const LONG_MS = 10_000;
/** Nor is the loss of the connection for frames. */
const MEDIA_ONLY = 10;

/** One thing goes wrong now. */
export function goWrong({ timeline, dice, network, store, nodes }: FragileWorld): void {
  const node = dice.pick(nodes);
  const forMs = 500 + dice.roll() * 6_000;
  const kind = dice.below(KINDS);
  if (kind !== LAGGING_WATCH && kind !== MEDIA_ONLY)
    node.troubledMs = Math.max(node.troubledMs, timeline.nowMs + forMs);
  /** The wire of a node carries both of its connections. */
  const cut = (direction: 'to the engine' | 'from the engine', links: readonly string[]): void => {
    for (const link of links) {
      if (direction === 'to the engine') network.cut(link, 'E', forMs);
      else network.cut('E', link, forMs);
    }
  };
  const media = `${node.name}.media`;
  const wire = [node.name, media];
  switch (kind) {
    case 0:
      cut('to the engine', wire);
      cut('from the engine', wire);
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
        // Some for longer than it takes to bury what they had.
        const awayMs = dice.chance(0.2) ? forMs + LONG_MS : forMs;
        node.troubledMs = Math.max(node.troubledMs, timeline.nowMs + awayMs);
        timeline.after(awayMs, () => node.start());
      }
      break;
    case 4:
      store.awayUntilMs = timeline.nowMs + forMs / 3;
      break;
    case 5:
      // In one direction only.
      cut(dice.chance(0.5) ? 'to the engine' : 'from the engine', wire);
      break;
    case 6:
      // A user's connect that arrives when the user is long elsewhere.
      network.cut('X', node.name, forMs);
      break;
    case LAGGING_WATCH:
      // A watch that stands still for long, as after the loss of an engine's server.
      store.lag(node.name, 2 * forMs + 5_000);
      break;
    case 8:
      // The process is replaced while users wait for it: the new one knows nothing of what the old one had seen.
      if (node.crashed) break;
      network.cut('X', node.name, forMs);
      node.crash();
      timeline.after(forMs / 2, () => node.start());
      break;
    case MEDIA_ONLY:
      // A reader of frames that is too slow, or cut off for it: the lease has a connection of its own.
      if (dice.chance(0.7)) network.cut('E', media, 2 * forMs, dice.chance(0.5));
      if (dice.chance(0.5)) network.cut(media, 'E', 2 * forMs);
      break;
    case 9:
      for (const other of nodes) if (other !== node) network.cut(node.name, other.name, forMs);
      break;
  }
}
