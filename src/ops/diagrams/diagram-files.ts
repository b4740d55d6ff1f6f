/**
 * Every diagram as files: one Mermaid text and one SVG for each chart that is exported, found by looking and not by a list,
 * and the same for the supervision tree.
 */
import { type AnyStateMachine, StateMachine } from 'xstate';
import { chartDiagram } from './chart-diagram.js';
import { chartGraph } from './chart-graph.js';
import type { Diagram } from './diagram.js';
import { layOut } from './layout.js';
import { chartMermaid, treeMermaid } from './mermaid.js';
import { type TreeNode, treeDiagram } from './supervision-tree.js';
import { drawSvg } from './svg.js';

/** The charts among the exports of a module, by their ids in alphabetical order. */
export function chartsOf(exported: Readonly<Record<string, unknown>>): AnyStateMachine[] {
  return Object.values(exported)
    .filter((value): value is AnyStateMachine => value instanceof StateMachine)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** File names and their contents. Byte for byte the same for the same charts and the same tree. */
export async function diagramFiles(charts: readonly AnyStateMachine[], tree: TreeNode): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const add = async (diagram: Diagram, mermaid: string) => {
    files.set(`${diagram.name}.mmd`, mermaid);
    files.set(`${diagram.name}.svg`, drawSvg(diagram, await layOut(diagram)));
  };
  for (const chart of charts) {
    const graph = chartGraph(chart);
    await add(chartDiagram(graph), chartMermaid(graph));
  }
  await add(treeDiagram(tree), treeMermaid(tree));
  return files;
}
