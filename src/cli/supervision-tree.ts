/** The application's tree as it is drawn. Children stand in start order. A test holds it against the tree of a running gateway. */
import type { TreeNode } from '../ops/diagrams/supervision-tree.js';

function supervisor(name: string, note: string, ...children: TreeNode[]): TreeNode {
  return { name, kind: 'supervisor', note, children };
}

function worker(name: string, note?: string): TreeNode {
  return note === undefined ? { name, kind: 'worker', children: [] } : { name, kind: 'worker', note, children: [] };
}

/** A pattern of children that come and go. */
function any(node: TreeNode): TreeNode {
  return { ...node, many: true };
}

export const supervisionTree: TreeNode = supervisor(
  'sluice',
  'rest_for_one, 10 in 60 s',
  supervisor(
    'core',
    'rest_for_one',
    worker('courier', 'calls to third parties'),
    worker('clients', 'the client manager'),
    worker('topics', 'who subscribed to what'),
    worker('services', 'who provides what'),
    worker('calls', 'who waits for an answer'),
    worker('channels', 'connections to others'),
  ),
  supervisor('cameras', 'one_for_one, dynamic', any(worker('camera:<id>', 'source, retry, fan-out'))),
  supervisor(
    'rooms',
    'one_for_one, dynamic',
    any(
      supervisor(
        'room:<name>',
        'one_for_one, ends with its keeper',
        worker('keeper', 'opens, closes'),
        any(worker('user:<id>', 'joined, heard, gone')),
        any(worker('audio:<n>', 'and what is played')),
      ),
    ),
  ),
  supervisor(
    'sessions',
    'one_for_one, dynamic',
    any(
      supervisor(
        'session:<node id>',
        'one_for_one, ends with its keeper',
        worker('keeper', 'here, lost, gone'),
        worker('client'),
        any(worker('watch:<n>', 'and its other streams')),
      ),
    ),
  ),
  worker('janitor', 'sweeps what has outlived its time'),
  supervisor(
    'listeners',
    'one_for_one',
    supervisor('views', 'one_for_one, dynamic', any(worker('view:<n>', 'a viewer over HTTP'))),
    worker('event-loop', 'notices who holds it'),
    worker('http'),
    worker('grpc'),
  ),
);
