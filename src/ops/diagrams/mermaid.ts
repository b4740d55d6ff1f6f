/**
 * The same charts as text, for pages that draw Mermaid themselves (https://mermaid.js.org/syntax/stateDiagram.html): nested
 * states, regions side by side divided by `--`, and guards, delays and actions in the labels.
 */
import type { ChartGraph, ChartState, ChartStep, ChartTransition } from './chart-graph.js';
import type { TreeNode } from './supervision-tree.js';

/**
 * A transition is written inside the innermost state that holds both of its ends, and before the states themselves: Mermaid
 * puts a state where it was named last.
 * @param now paths of states in which an actor stands, which are marked.
 */
export function chartMermaid(graph: ChartGraph, now: readonly string[] = []): string {
  const lines = ['stateDiagram-v2', ...title(graph)];
  writeChildren(graph, graph.root, '  ', lines);
  if (now.length > 0) lines.push('  classDef now stroke:#c2255c,stroke-width:3px');
  for (const path of now) lines.push(`  class ${nameIn(`${graph.root.id}.${path}`)} now`);
  return `${lines.join('\n')}\n`;
}

/** The root itself is drawn only when something leads from or to it; its sentence is a comment. */
function title({ root, id }: ChartGraph): string[] {
  return [`  %% ${id}: ${root.description ?? ''}`.trimEnd()];
}

function writeChildren(graph: ChartGraph, state: ChartState, indent: string, lines: string[]): void {
  if (state.initial !== undefined) lines.push(`${indent}[*] --> ${nameIn(state.initial)}`);
  for (const transition of graph.transitions) {
    if (innermost(graph.root, transition)?.id === state.id) lines.push(...arrows(transition, indent));
  }
  for (const [index, child] of state.states.entries()) {
    if (state.kind === 'parallel' && index > 0) lines.push(`${indent}--`);
    writeState(graph, child, indent, lines);
  }
}

function writeState(graph: ChartGraph, state: ChartState, indent: string, lines: string[]): void {
  const name = nameIn(state.id);
  const inner = `${indent}  `;
  const effects = [...state.entry.map((one) => `entry / ${one}`), ...state.exit.map((one) => `exit / ${one}`)];
  if (state.states.length > 0) {
    // A composite state has a title and no body, so what it does on entry stands beside its name.
    lines.push(`${indent}state "${[state.name, ...effects].join(' · ')}" as ${name} {`);
    writeChildren(graph, state, inner, lines);
    lines.push(`${indent}}`);
  } else {
    lines.push(`${indent}state "${state.name}" as ${name}`);
    for (const effect of effects) lines.push(`${indent}${name} : ${effect}`);
  }
  for (const step of state.stays) lines.push(`${indent}${name} --> ${name} : ${stepText(step)}`);
  if (state.kind === 'final') lines.push(`${indent}${name} --> [*]`);
}

function arrows({ from, to, steps }: ChartTransition, indent: string): string[] {
  return steps.map((step) => `${indent}${nameIn(from)} --> ${nameIn(to)} : ${stepText(step)}`);
}

function stepText({ trigger, kind, guard, actions }: ChartStep): string {
  const start = kind === 'delay' ? `after ${trigger}` : trigger;
  const condition = guard === undefined ? '' : ` [${guard}]`;
  return `${start}${condition}${actions.length > 0 ? ` / ${actions.join(', ')}` : ''}`;
}

function innermost(state: ChartState, transition: ChartTransition): ChartState | undefined {
  if (!holds(state, transition.from) || !holds(state, transition.to)) return undefined;
  for (const child of state.states) {
    const found = innermost(child, transition);
    // A state holds its own transitions to others of its inside, but not those to itself.
    if (found && found.id !== transition.from && found.id !== transition.to) return found;
  }
  return state;
}

function holds(state: ChartState, id: string): boolean {
  return state.id === id || state.states.some((child) => holds(child, id));
}

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** Mermaid's names know no dots. */
function nameIn(id: string): string {
  return id.replace(/[^A-Za-z0-9_]/g, '_');
}

export function treeMermaid(root: TreeNode): string {
  const lines = ['flowchart TD'];
  const visit = (node: TreeNode, parent: string | undefined, index: number): void => {
    const name = parent === undefined ? nameIn(node.name) : `${parent}_${index}`;
    const text = [node.name, node.note]
      .filter((part) => part !== undefined)
      .map(escapeText)
      .join('<br/>');
    lines.push(`  ${name}${node.kind === 'supervisor' ? `["${text}"]` : `(["${text}"])`}`);
    if (parent !== undefined) lines.push(`  ${parent} ${node.many ? '-.->' : '-->'} ${name}`);
    for (const [at, child] of node.children.entries()) visit(child, name, at);
  };
  visit(root, undefined, 0);
  return `${lines.join('\n')}\n`;
}
