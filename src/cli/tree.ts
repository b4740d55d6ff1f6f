/** `sluice tree`: the supervision tree of a running gateway, once. */
import type { TreeView } from '../gateway/views.js';
import { type RemoteCommand, remotely } from './remote-command.js';
import { plain } from './terminal-text.js';

export function runTree(command: RemoteCommand): Promise<number> {
  return remotely(command, 'tree', async (gateway) => {
    const tree = await gateway.get<TreeView>('/api/tree');
    if (command.json) command.stdout.write(`${JSON.stringify(tree)}\n`);
    else
      command.stdout.write(
        treeLines(tree)
          .map(({ text }) => `${text}\n`)
          .join(''),
      );
    return 0;
  });
}

export interface TreeLine {
  readonly id: string;
  readonly text: string;
}

/** A line for each actor, parents first, with its state and how often it was started again. */
export function treeLines(root: TreeView): readonly TreeLine[] {
  const lines: TreeLine[] = [];
  const add = (node: TreeView, lead: string, branch: string): void => {
    const { id, state, strategy, restarts } = node;
    const notes = [strategy ?? state, restarts === 0 ? '' : `${restarts} restarts`].filter((note) => note !== '');
    lines.push({ id, text: plain(`${lead}${branch}${id.slice(id.lastIndexOf('/') + 1)} (${notes.join(', ')})`) });
    const below = branch === '' ? '' : lead + (branch === '└─ ' ? '   ' : '│  ');
    node.children.forEach((child, at) => {
      add(child, below, at === node.children.length - 1 ? '└─ ' : '├─ ');
    });
  };
  add(root, '', '');
  return lines;
}
