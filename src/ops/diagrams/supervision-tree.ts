/**
 * The supervision tree as a drawing: who starts whom, in which order and under which strategy. The tree itself is given by
 * whoever knows it (the command line asks the application); this folder only draws.
 */
import type { Arrow, Box, Diagram } from './diagram.js';

export interface TreeNode {
  readonly name: string;
  readonly kind: 'supervisor' | 'worker';
  /** A supervisor's strategy, or what a worker is for, in a few words. */
  readonly note?: string;
  /** True for a pattern of which there are any number, coming and going. */
  readonly many?: boolean;
  readonly children: readonly TreeNode[];
}

export function treeDiagram(root: TreeNode): Diagram {
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const visit = (node: TreeNode, parent: string | undefined): void => {
    const id = parent === undefined ? node.name : `${parent}/${node.name}`;
    boxes.push({
      id,
      shape: node.many ? 'dynamic' : node.kind,
      title: node.name,
      lines: node.note === undefined ? [] : [[{ text: node.note, tone: 'quiet' }]],
      boxes: [],
    });
    if (parent !== undefined) arrows.push({ from: parent, to: id, label: [] });
    for (const child of node.children) visit(child, id);
  };
  visit(root, undefined);
  return { name: 'supervision-tree', description: 'The supervision tree, children in start order.', boxes, arrows };
}
