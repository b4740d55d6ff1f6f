/** The chart of a node with its effects: each is one call of the node. */
import { nodeMachine } from '../../machines/node.js';
import type { ClusterNode } from './node.js';

/** The chart of a node with its effects. Its actor's end is the node's: `close` is called by whoever started it. */
export function nodeLogic(node: ClusterNode) {
  return nodeMachine.provide({
    actions: {
      takeLease: () => node.takeLease(),
      openForClaims: () => node.openForClaims(),
      dropAll: () => {
        if (node.state === 'up') node.dropAll('fenced');
      },
      raiseAlarm: () => node.dropAll('halted'),
      lookForEra: () => node.lookForEra(),
      giveBack: () => node.giveBack(),
    },
  });
}
