/** A statechart as boxes and arrows: what is written into a state, and how several ways between two states share a label. */
import type { ChartGraph, ChartState, ChartStep } from './chart-graph.js';
import type { Arrow, Box, Diagram, TextLine, TextPart } from './diagram.js';
import { wrapText } from './text-width.js';

const PROSE_WIDTH = 210;

export function chartDiagram(graph: ChartGraph): Diagram {
  return {
    name: graph.id,
    description: graph.root.description ?? graph.id,
    boxes: [chartBox(graph.root, 'state')],
    arrows: [
      ...initialArrows(graph.root),
      ...graph.transitions.map(({ from, to, steps }) => ({ from, to, label: stepLabel(steps) })),
    ],
  };
}

function chartBox(state: ChartState, shape: 'state' | 'region'): Box {
  const inner = state.kind === 'parallel' ? 'region' : 'state';
  const boxes = state.states.map((child) => chartBox(child, inner));
  const dot: Box = { id: dotId(state), shape: 'initial', title: '', lines: [], boxes: [] };
  return {
    id: state.id,
    shape: state.kind === 'final' ? 'final' : shape,
    title: state.name,
    lines: stateLines(state),
    boxes: state.initial === undefined ? boxes : [dot, ...boxes],
  };
}

function stateLines(state: ChartState): TextLine[] {
  // A composite state has room for its sentence on one line; a leaf is kept narrow.
  const width = state.states.length > 0 ? PROSE_WIDTH * 2 : PROSE_WIDTH;
  const prose = state.description === undefined ? [] : wrapText(state.description.replaceAll('`', ''), 12, width);
  return [
    ...prose.map((text): TextLine => [{ text, tone: 'quiet' }]),
    ...state.entry.map((name): TextLine => [quiet('entry / '), { text: name, tone: 'action' }]),
    ...state.exit.map((name): TextLine => [quiet('exit / '), { text: name, tone: 'action' }]),
    ...state.stays.map((step): TextLine => [...stepLine(step), ...(step.reenters ? [quiet(' ↻')] : [])]),
  ];
}

function dotId(state: ChartState): string {
  return `${state.id}:initial`;
}

function initialArrows(state: ChartState): Arrow[] {
  const own = state.initial === undefined ? [] : [{ from: dotId(state), to: state.initial, label: [] }];
  return [...own, ...state.states.flatMap(initialArrows)];
}

/** One line per step; steps that differ only in their event name what they share once, at the end. */
function stepLabel(steps: readonly ChartStep[]): TextLine[] {
  const shared = new Map<string, ChartStep[]>();
  for (const step of steps) {
    const key = `${step.guard ?? ''}/${step.actions.join()}`;
    shared.set(key, [...(shared.get(key) ?? []), step]);
  }
  return [...shared.values()].flatMap((group) => {
    const [first] = group;
    const after = first ? consequence(first) : [];
    if (group.length === 1 || after.length === 0) return group.map(stepLine);
    return [...group.map((step): TextLine => [trigger(step)]), after];
  });
}

function stepLine(step: ChartStep): TextLine {
  const after = consequence(step);
  return after.length === 0 ? [trigger(step)] : [trigger(step), quiet(' '), ...after];
}

function trigger(step: ChartStep): TextPart {
  if (step.kind === 'delay') return { text: `after ${step.trigger}`, tone: 'delay' };
  return { text: step.trigger, tone: step.kind === 'event' ? 'event' : 'delay' };
}

function consequence(step: ChartStep): TextPart[] {
  const guard: TextPart[] = step.guard === undefined ? [] : [{ text: `[${step.guard}]`, tone: 'guard' }];
  if (step.actions.length === 0) return guard;
  const gap = guard.length > 0 ? ' / ' : '/ ';
  return [...guard, quiet(gap), { text: step.actions.join(', '), tone: 'action' }];
}

function quiet(text: string): TextPart {
  return { text, tone: 'quiet' };
}
