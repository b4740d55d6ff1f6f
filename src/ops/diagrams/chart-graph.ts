/**
 * A statechart as a plain graph: states within states and, between two of them, everything that leads from the one to the
 * other. It reads the machine that runs (`StateNode`), not its source, so a drawing cannot differ from the program.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

export interface ChartState {
  readonly id: string;
  readonly name: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly description: string | undefined;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** The child that is entered first; undefined without children and where all are entered at once. */
  readonly initial: string | undefined;
  readonly states: readonly ChartState[];
  /** What a state answers without leaving for another one. */
  readonly stays: readonly ChartStep[];
}

/** One way of taking a transition: what starts it, under which condition, and what is done on the way. */
export interface ChartStep {
  readonly trigger: string;
  readonly kind: 'event' | 'delay' | 'always' | 'done';
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** Whether the state is left and entered anew. */
  readonly reenters: boolean;
}

export interface ChartTransition {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly ChartStep[];
}

export interface ChartGraph {
  readonly id: string;
  readonly root: ChartState;
  readonly transitions: readonly ChartTransition[];
}

export function chartGraph(machine: AnyStateMachine): ChartGraph {
  const merged = new Map<string, { from: string; to: string; steps: ChartStep[] }>();
  for (const node of everyNode(machine.root)) {
    for (const { definition, step } of stepsOf(node)) {
      for (const target of definition.target ?? []) {
        if (target === node) continue;
        const key = `${node.id} ${target.id}`;
        const entry = merged.get(key) ?? { from: node.id, to: target.id, steps: [] };
        entry.steps.push(step);
        merged.set(key, entry);
      }
    }
  }
  return { id: machine.id, root: chartState(machine.root), transitions: [...merged.values()] };
}

function chartState(node: AnyStateNode): ChartState {
  return {
    id: node.id,
    name: node.key,
    kind: node.type,
    description: node.description,
    // From the chart as written: at run time these lists also hold the timers that XState starts and cancels for `after`.
    entry: listOf(node.config.entry).map(nameOf),
    exit: listOf(node.config.exit).map(nameOf),
    initial: node.type === 'compound' ? node.initial?.target?.[0]?.id : undefined,
    states: childrenOf(node).map(chartState),
    stays: stepsOf(node)
      .filter(({ definition }) => definition.target === undefined || definition.target.includes(node))
      .map(({ step }) => step),
  };
}

function childrenOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states);
}

function everyNode(node: AnyStateNode): AnyStateNode[] {
  return [node, ...childrenOf(node).flatMap(everyNode)];
}

/** All transitions of one state in the order of the chart; a second choice without a guard is an `else`. */
function stepsOf(node: AnyStateNode): { definition: AnyTransitionDefinition; step: ChartStep }[] {
  const choices = [...node.transitions.values(), node.always ?? []].filter((group) => group.length > 0);
  return choices.flatMap((group) =>
    group.map((definition, index) => ({ definition, step: chartStep(node, definition, index > 0) })),
  );
}

function chartStep(node: AnyStateNode, definition: AnyTransitionDefinition, isLater: boolean): ChartStep {
  const guard = definition.guard === undefined ? undefined : nameOf(definition.guard);
  return {
    ...triggerOf(node, definition),
    guard: guard ?? (isLater ? 'else' : undefined),
    actions: definition.actions.map(nameOf),
    reenters: definition.reenter,
  };
}

function triggerOf(node: AnyStateNode, definition: AnyTransitionDefinition): Pick<ChartStep, 'trigger' | 'kind'> {
  const delayed = node.after.find(({ eventType }) => eventType === definition.eventType);
  if (delayed) {
    const { delay } = delayed;
    return { trigger: typeof delay === 'number' ? `${delay} ms` : String(delay), kind: 'delay' };
  }
  if (definition.eventType === '') return { trigger: 'always', kind: 'always' };
  if (definition.eventType.startsWith('xstate.done.')) return { trigger: 'done', kind: 'done' };
  return { trigger: definition.eventType, kind: 'event' };
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The name of an action or a guard. What has none, an inline function, is drawn as such. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  if (typeof named === 'object' && named !== null && 'type' in named) return String(named.type);
  return typeof named === 'function' && named.name !== '' ? named.name : '(inline)';
}
