/** One run: a gateway, a crowd, so many steps from one seed, all invariants after each of them, and the end. */
import { Crowd } from './crowd.js';
import { Dice } from './dice.js';
import { brokenInvariants, leftBehind } from './invariants.js';
import { World } from './world.js';

export interface Run {
  readonly seed: number;
  /** What was done and what ended, a line each. */
  readonly trace: readonly string[];
  /** What was wrong, and at which step; empty when nothing was. */
  readonly faults: readonly string[];
  readonly steps: number;
}

const STEPS = 55;

export async function runSeed(seed: number, steps: number = STEPS): Promise<Run> {
  const dice = new Dice(seed);
  const world = new World(dice);
  const crowd = new Crowd(world, dice);
  await world.start();
  let faults = look(world);
  let step = 0;
  for (; step < steps && faults.length === 0; step += 1) {
    await crowd.step().catch((thrown: unknown) => world.breach(`the gateway threw at its caller: ${stackOf(thrown)}`));
    faults = look(world);
  }
  // What comes after a fault explains nothing.
  const trace = faults.length > 0 ? [...world.trace] : world.trace;
  await world
    .stop(dice.chance(0.5) ? 5_000 : 0)
    .catch((thrown: unknown) => world.breach(`it does not stop: ${stackOf(thrown)}`));
  if (faults.length === 0) faults = leftBehind(world);
  return { seed, trace, faults, steps: step };
}

/** The run as a person reads it: what was wrong, what came before it, and how to see it again. */
export function report({ seed, trace, faults, steps }: Run, lines = 60): string {
  return [
    `seed ${seed}, step ${steps}:`,
    ...faults.map((fault) => `  ${fault}`),
    `the last ${Math.min(lines, trace.length)} lines of ${trace.length}:`,
    ...trace.slice(-lines).map((line) => `  ${line}`),
    `again: SEED=${seed} npx vitest run test/simulation`,
  ].join('\n');
}

/** A gateway that cannot even be looked at is broken, too. */
function look(world: World): readonly string[] {
  try {
    return brokenInvariants(world);
  } catch (thrown) {
    return [`the gateway could not be looked at: ${stackOf(thrown)}`];
  }
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
