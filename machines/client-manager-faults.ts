/** The client manager's invariant, spelled out: what every index must say of every other. */
import type { ClientManagerState } from './client-manager.js';

/**
 * Every way in which the indexes disagree, in words; empty when they agree. O(entries): for tests and for the metric,
 * not for each transition.
 */
export function clientManagerFaults<Ref>(state: ClientManagerState<Ref>): string[] {
  const faults: string[] = [];
  const say = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  const places = state.clients.size + state.held.size;
  say(places <= state.clientsMax, `clients: ${places} places of at most ${state.clientsMax}`);
  for (const nodeId of state.held) say(!state.nodes.has(nodeId), `held: "${nodeId}" is here and has a place held too`);
  for (const [ref, client] of state.clients) {
    say(state.nodes.get(client.info.nodeId) === ref, `nodes: "${client.info.nodeId}" does not name its client`);
    say(client.streams.length <= state.streamsPerClientMax, `streams: "${client.info.nodeId}" has too many`);
    for (const stream of client.streams)
      say(state.streams.get(stream)?.owner === ref, `streams: one of "${client.info.nodeId}" is not in the index`);
  }
  for (const [nodeId, ref] of state.nodes) say(state.clients.has(ref), `nodes: "${nodeId}" names nobody present`);
  for (const [ref, stream] of state.streams) {
    say(
      state.clients.get(stream.owner)?.streams.includes(ref) === true,
      `streams: one of "${stream.nodeId}" has no owner`,
    );
    say(state.clients.get(stream.owner)?.info.nodeId === stream.nodeId, `streams: "${stream.nodeId}" is out of date`);
    if (stream.endpoint !== undefined)
      say(state.endpoints.get(stream.endpoint) === ref, `endpoints: "${stream.endpoint}" names another stream`);
  }
  for (const [nodeId, stream] of state.clientStreams)
    say(
      state.streams.get(stream.ref) === stream && stream.nodeId === nodeId,
      `client_streams: "${nodeId}" is not a stream of a present client`,
    );
  for (const [endpoint, ref] of state.endpoints)
    say(state.streams.get(ref)?.endpoint === endpoint, `endpoints: "${endpoint}" names no stream`);
  return faults;
}
