/** The client manager's reducer with short words for its events; every step is checked against its own invariant. */
import { expect } from 'vitest';
import {
  type ClientManagerEffect,
  type ClientManagerEvent,
  type ClientManagerState,
  clientManagerTransition,
  emptyClientManager,
} from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';

export type State = ClientManagerState<string>;
export type Event = ClientManagerEvent<string>;

export function manager(clientsMax = 10_000, streamsPerClientMax = 16): State {
  return emptyClientManager({ clientsMax, streamsPerClientMax });
}

/** Applies the events. @returns what the last one answered. */
export function apply(state: State, ...events: readonly Event[]) {
  let step: ReturnType<typeof clientManagerTransition<string>> = { refused: undefined, effects: [] };
  for (const event of events) step = clientManagerTransition(state, event);
  expect(clientManagerFaults(state)).toEqual([]);
  return step;
}

export const connect = (ref: string, nodeId: string, more: object = {}): Event => ({
  type: 'client.connected',
  ref,
  info: { nodeId, ...more },
});
export const disconnect = (ref: string, generation?: number): Event => ({
  type: 'client.disconnected',
  ref,
  left: true,
  ...(generation === undefined ? {} : { generation }),
});
export const store = (nodeId: string, stream: string, endpoint?: string): Event => ({
  type: 'stream.stored',
  nodeId,
  stream,
  ...(endpoint === undefined ? {} : { endpoint }),
});
export const attach = (nodeId: string, stream: string): Event => ({ type: 'stream.attached', nodeId, stream });
export const down = (ref: string): Event => ({ type: 'process.down', ref });

export const sizes = ({ clients, nodes, clientStreams, streams, endpoints }: State) =>
  [clients, nodes, clientStreams, streams, endpoints].map(({ size }) => size);
export const EMPTY = [0, 0, 0, 0, 0];
export const control = (state: State, nodeId: string) => state.clientStreams.get(nodeId)?.ref;
export const close = (effects: readonly ClientManagerEffect<string>[]) =>
  effects.flatMap((effect) => (effect.type === 'close' ? [effect.ref] : []));
