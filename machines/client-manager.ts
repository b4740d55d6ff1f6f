/**
 * The client manager's state and every way it may change: one reducer over maps that can only change together.
 *
 * This is the one file here that is a reducer and no chart: who is connected is a table, not a mode. A transition updates
 * all indexes in one step and returns what has to be done about it (monitor, demonitor, close); it does nothing itself.
 *
 * The maps are changed in place and `rev` rises with each change: copying them would cost milliseconds at 10,000 clients.
 * Everything is therefore checked first and changed last, so that a refusal leaves no half-done change behind.
 *
 * What is cleaned when: a client's entry, its place in `nodes`, its control stream in `clientStreams`, its endpoint in
 * `endpoints` and all its streams in `streams` go in the one transition that removes the client. A stream that dies alone
 * takes its own places in `clientStreams`, `endpoints` and `streams` with it. Removal names the owner (the actor itself)
 * and its generation; a late DOWN of an old connection therefore finds nothing and changes nothing.
 */
import type { ExitReason } from './terms.js';

/** What a client says of itself. `nodeId` is required; one without it is refused, so that removal can never miss it. */
export interface ClientInfo {
  readonly nodeId: string;
  readonly realm?: string;
  readonly capabilities?: readonly string[];
  readonly endpoint?: string;
  /** True for somebody who only makes calls outside Connect; a hello upgrades it. */
  readonly implicit?: boolean;
}

export interface ClientEntry<Ref> {
  readonly ref: Ref;
  readonly info: ClientInfo;
  /** Rises with every connect of this manager; tells two connections of one node id apart. */
  readonly generation: number;
  readonly streams: Set<Ref>;
}

export interface StreamEntry<Ref> {
  readonly ref: Ref;
  readonly owner: Ref;
  readonly nodeId: string;
  readonly endpoint: string | undefined;
}

export interface ClientManagerState<Ref> {
  readonly clients: Map<Ref, ClientEntry<Ref>>;
  /** The client that holds a node id now. */
  readonly nodes: Map<string, Ref>;
  /** The control stream of a node id: that of Connect, or an implicit client's oldest call. */
  readonly clientStreams: Map<string, StreamEntry<Ref>>;
  /** Every stream of every client, the control stream included. */
  readonly streams: Map<Ref, StreamEntry<Ref>>;
  readonly endpoints: Map<string, Ref>;
  readonly clientsMax: number;
  readonly streamsPerClientMax: number;
  generation: number;
  rev: number;
}

export type ClientManagerEvent<Ref> =
  | { readonly type: 'client.connected'; readonly ref: Ref; readonly info: ClientInfo }
  | { readonly type: 'client.disconnected'; readonly ref: Ref; readonly generation?: number }
  | { readonly type: 'stream.stored'; readonly nodeId: string; readonly stream: Ref; readonly endpoint?: string }
  | { readonly type: 'stream.attached'; readonly nodeId: string; readonly stream: Ref }
  | { readonly type: 'process.down'; readonly ref: Ref };

export type Refusal =
  | 'node_id_required'
  | 'max_clients_reached'
  | 'max_streams_reached'
  | 'not_found'
  | 'stream_belongs_to_another';

/** What a transition asks its runtime to do. */
export type ClientManagerEffect<Ref> =
  | { readonly type: 'monitor'; readonly ref: Ref }
  | { readonly type: 'demonitor'; readonly ref: Ref }
  /** End this actor: it lost its place to a newer one, or its owner is gone. */
  | { readonly type: 'close'; readonly ref: Ref; readonly reason: ExitReason };

export interface ClientManagerStep<Ref> {
  readonly refused: Refusal | undefined;
  readonly effects: readonly ClientManagerEffect<Ref>[];
}

const UNCHANGED: ClientManagerStep<never> = { refused: undefined, effects: [] };

export function emptyClientManager<Ref>(limits: {
  readonly clientsMax: number;
  readonly streamsPerClientMax: number;
}): ClientManagerState<Ref> {
  return {
    clients: new Map(),
    nodes: new Map(),
    clientStreams: new Map(),
    streams: new Map(),
    endpoints: new Map(),
    ...limits,
    generation: 0,
    rev: 0,
  };
}

/** Applies one event. Returns why it was refused, if it was, and what has to be done. */
export function clientManagerTransition<Ref>(
  state: ClientManagerState<Ref>,
  event: ClientManagerEvent<Ref>,
): ClientManagerStep<Ref> {
  switch (event.type) {
    case 'client.connected':
      return connectClient(state, event.ref, event.info);
    case 'client.disconnected':
      return disconnectClient(state, event.ref, event.generation);
    case 'stream.stored':
      return addStream(state, event, true);
    case 'stream.attached':
      return addStream(state, event, false);
    case 'process.down':
      return state.clients.has(event.ref) ? removeClient(state, event.ref, false) : removeStream(state, event.ref);
  }
}

function connectClient<Ref>(state: ClientManagerState<Ref>, ref: Ref, info: ClientInfo): ClientManagerStep<Ref> {
  if (typeof info.nodeId !== 'string' || info.nodeId === '') return refuse('node_id_required');
  const known = state.clients.get(ref);
  const holder = state.nodes.get(info.nodeId);
  // Whoever replaces somebody takes that place, so a full house refuses only those who would add to it.
  if (!known && holder === undefined && state.clients.size >= state.clientsMax) return refuse('max_clients_reached');

  const effects: ClientManagerEffect<Ref>[] = [];
  if (holder !== undefined && holder !== ref) {
    effects.push(...removeClient(state, holder, true).effects);
    effects.push({ type: 'close', ref: holder, reason: { shutdown: 'superseded' } });
  }
  if (known) {
    moveIndexes(state, known, info);
  } else {
    state.generation += 1;
    state.clients.set(ref, { ref, info, generation: state.generation, streams: new Set() });
    effects.push({ type: 'monitor', ref });
  }
  state.nodes.set(info.nodeId, ref);
  state.rev += 1;
  return { refused: undefined, effects };
}

/** A known client tells something new of itself; a changed node id takes all its indexes along. */
function moveIndexes<Ref>(state: ClientManagerState<Ref>, known: ClientEntry<Ref>, info: ClientInfo): void {
  const from = known.info.nodeId;
  state.clients.set(known.ref, { ...known, info });
  if (from === info.nodeId) return;
  state.nodes.delete(from);
  for (const stream of known.streams) {
    const entry = state.streams.get(stream);
    if (entry) state.streams.set(stream, { ...entry, nodeId: info.nodeId });
  }
  const control = state.clientStreams.get(from);
  if (!control) return;
  state.clientStreams.delete(from);
  state.clientStreams.set(info.nodeId, { ...control, nodeId: info.nodeId });
}

function disconnectClient<Ref>(state: ClientManagerState<Ref>, ref: Ref, generation?: number): ClientManagerStep<Ref> {
  const known = state.clients.get(ref);
  if (!known || (generation !== undefined && known.generation !== generation)) return UNCHANGED;
  return removeClient(state, ref, true);
}

/** Takes a client out of every index at once. `alive`: its monitor still stands and has to be dropped. */
function removeClient<Ref>(state: ClientManagerState<Ref>, ref: Ref, alive: boolean): ClientManagerStep<Ref> {
  const client = state.clients.get(ref);
  if (!client) return UNCHANGED;
  const { nodeId } = client.info;
  const effects: ClientManagerEffect<Ref>[] = alive ? [{ type: 'demonitor', ref }] : [];
  for (const stream of client.streams) {
    dropStream(state, stream);
    effects.push({ type: 'demonitor', ref: stream });
    effects.push({ type: 'close', ref: stream, reason: { shutdown: 'client_gone' } });
  }
  state.clients.delete(ref);
  if (state.nodes.get(nodeId) === ref) state.nodes.delete(nodeId);
  state.rev += 1;
  return { refused: undefined, effects };
}

function addStream<Ref>(
  state: ClientManagerState<Ref>,
  { nodeId, stream, endpoint }: { readonly nodeId: string; readonly stream: Ref; readonly endpoint?: string },
  control: boolean,
): ClientManagerStep<Ref> {
  const owner = state.nodes.get(nodeId);
  const client = owner === undefined ? undefined : state.clients.get(owner);
  if (owner === undefined || !client) return refuse('not_found');
  const before = state.streams.get(stream);
  if (before && before.owner !== owner) return refuse('stream_belongs_to_another');
  if (!before && client.streams.size >= state.streamsPerClientMax) return refuse('max_streams_reached');

  const effects: ClientManagerEffect<Ref>[] = before ? [] : [{ type: 'monitor', ref: stream }];
  if (before?.endpoint !== undefined) state.endpoints.delete(before.endpoint);
  const entry: StreamEntry<Ref> = { ref: stream, owner, nodeId, endpoint };
  state.streams.set(stream, entry);
  client.streams.add(stream);
  if (control || (client.info.implicit && !state.clientStreams.has(nodeId))) state.clientStreams.set(nodeId, entry);
  else if (before && state.clientStreams.get(nodeId)?.ref === stream) state.clientStreams.set(nodeId, entry);
  if (endpoint !== undefined) takeEndpoint(state, endpoint, stream);
  state.rev += 1;
  return { refused: undefined, effects };
}

/** The latest stream at an endpoint has it; the one before keeps living without it. */
function takeEndpoint<Ref>(state: ClientManagerState<Ref>, endpoint: string, stream: Ref): void {
  const holder = state.endpoints.get(endpoint);
  const entry = holder === undefined || holder === stream ? undefined : state.streams.get(holder);
  if (entry) replaceEntry(state, { ...entry, endpoint: undefined });
  state.endpoints.set(endpoint, stream);
}

function replaceEntry<Ref>(state: ClientManagerState<Ref>, entry: StreamEntry<Ref>): void {
  state.streams.set(entry.ref, entry);
  if (state.clientStreams.get(entry.nodeId)?.ref === entry.ref) state.clientStreams.set(entry.nodeId, entry);
}

function removeStream<Ref>(state: ClientManagerState<Ref>, stream: Ref): ClientManagerStep<Ref> {
  const entry = dropStream(state, stream);
  if (!entry) return UNCHANGED;
  const client = state.clients.get(entry.owner);
  client?.streams.delete(stream);
  // An implicit client's control stream is its oldest call; when that ends, the next oldest stands in.
  const next = client?.info.implicit ? client.streams.values().next().value : undefined;
  const nextEntry = next === undefined ? undefined : state.streams.get(next);
  if (nextEntry && !state.clientStreams.has(entry.nodeId)) state.clientStreams.set(entry.nodeId, nextEntry);
  state.rev += 1;
  return UNCHANGED;
}

function dropStream<Ref>(state: ClientManagerState<Ref>, stream: Ref): StreamEntry<Ref> | undefined {
  const entry = state.streams.get(stream);
  if (!entry) return undefined;
  state.streams.delete(stream);
  if (state.clientStreams.get(entry.nodeId)?.ref === stream) state.clientStreams.delete(entry.nodeId);
  if (entry.endpoint !== undefined && state.endpoints.get(entry.endpoint) === stream)
    state.endpoints.delete(entry.endpoint);
  return entry;
}

function refuse(refused: Refusal): ClientManagerStep<never> {
  return { refused, effects: [] };
}

/**
 * Every way in which the indexes disagree, in words; empty when they agree. O(entries): for tests and for the metric,
 * not for each transition.
 */
export function clientManagerFaults<Ref>(state: ClientManagerState<Ref>): string[] {
  const faults: string[] = [];
  const say = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  say(state.clients.size <= state.clientsMax, `clients: ${state.clients.size} of at most ${state.clientsMax}`);
  for (const [ref, client] of state.clients) {
    say(state.nodes.get(client.info.nodeId) === ref, `nodes: "${client.info.nodeId}" does not name its client`);
    say(client.streams.size <= state.streamsPerClientMax, `streams: "${client.info.nodeId}" has too many`);
    for (const stream of client.streams)
      say(state.streams.get(stream)?.owner === ref, `streams: one of "${client.info.nodeId}" is not in the index`);
  }
  for (const [nodeId, ref] of state.nodes) say(state.clients.has(ref), `nodes: "${nodeId}" names nobody present`);
  for (const [ref, stream] of state.streams) {
    say(state.clients.get(stream.owner)?.streams.has(ref) === true, `streams: one of "${stream.nodeId}" has no owner`);
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
