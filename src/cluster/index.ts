/**
 * Several gateways that share what they own, and what a receiver of their acts needs: `TokenReceiver` refuses whoever was
 * replaced and does not know it yet.
 */
export { ownerHeaders } from '../gateway/ownership.js';
export { type CallMetadata, type CallOwner, callOwner } from './call-owner.js';
export type { Engine, EngineInfo, Entry } from './engine.js';
export { FencedError, type LossReason, type Ownership } from './holding.js';
export { MemoryHub } from './memory-engine.js';
export { ClusterNode } from './node.js';
export { nodeLogic } from './node-logic.js';
export type { ClusterNodeParts, ClusterNote, Member, NodeState } from './node-parts.js';
export { CLUSTER_DEFAULTS, type ClusterOptions } from './options.js';
export { type ReceiverOptions, TokenReceiver } from './receiver.js';
export { compareTokens, NO_TOKEN, parseToken, type Token, tokenText } from './token.js';
