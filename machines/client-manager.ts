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
 * `endpoints` and all its streams in `streams` go in the one transition that removes the client; a lost client that may come
 * back leaves its node id in `held` until it does or its session is disposed. A stream that dies alone
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
  /** True for a client whose place is held when it is lost, because its session waits for it. */
  readonly resumable?: boolean;
}

export interface ClientEntry<Ref> {
  readonly ref: Ref;
  readonly info: ClientInfo;
  /** Rises with every connect of this manager; tells two connections of one node id apart. */
  readonly generation: number;
  /** The oldest first. Replaced, never changed: a set of one weighs three times as much. */
  streams: readonly Ref[];
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
  /** Node ids of lost clients whose places are held; they count against `clientsMax`. */
  readonly held: Set<string>;
  readonly clientsMax: number;
  readonly streamsPerClientMax: number;
  generation: number;
  rev: number;
}

export type ClientManagerEvent<Ref> =
  | { readonly type: 'client.connected'; readonly ref: Ref; readonly info: ClientInfo }
  /** `left`: it will not come back, so its place is not held. */
  | { readonly type: 'client.disconnected'; readonly ref: Ref; readonly generation?: number; readonly left?: boolean }
  /** The place of a lost client is held for it, or no longer. */
  | { readonly type: 'place.held'; readonly nodeId: string }
  | { readonly type: 'place.released'; readonly nodeId: string }
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
    held: new Set(),
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
      return disconnectClient(state, event);
    case 'place.held':
      return holdPlace(state, event.nodeId);
    case 'place.released':
      return releasePlace(state, event.nodeId);
    case 'stream.stored':
      return addStream(state, event, true);
    case 'stream.attached':
      return addStream(state, event, false);
    case 'process.down':
      return state.clients.has(event.ref) ? clientDown(state, event.ref) : removeStream(state, event.ref);
  }
}

function connectClient<Ref>(state: ClientManagerState<Ref>, ref: Ref, info: ClientInfo): ClientManagerStep<Ref> {
  if (typeof info.nodeId !== 'string' || info.nodeId === '') return refuse('node_id_required');
  const known = state.clients.get(ref);
  const holder = state.nodes.get(info.nodeId);
  // Whoever replaces somebody, or comes back to a place that was held, takes that place: a full house refuses only those
  // who would add to it.
  const adds = !known && holder === undefined && !state.held.has(info.nodeId);
  if (adds && state.clients.size + state.held.size >= state.clientsMax) return refuse('max_clients_reached');

  const effects: ClientManagerEffect<Ref>[] = [];
  if (holder !== undefined && holder !== ref) {
    // The client before its streams: once its control stream is closed it could not be told why.
    effects.push({ type: 'close', ref: holder, reason: { shutdown: 'superseded' } });
    effects.push(...removeClient(state, holder, true).effects);
  }
  if (known) {
    moveIndexes(state, known, info);
  } else {
    state.generation += 1;
    state.clients.set(ref, { ref, info, generation: state.generation, streams: [] });
    effects.push({ type: 'monitor', ref });
  }
  state.nodes.set(info.nodeId, ref);
  state.held.delete(info.nodeId);
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
  // The very entry of `streams`, not a copy: there is one of each stream.
  state.clientStreams.set(info.nodeId, state.streams.get(control.ref) as StreamEntry<Ref>);
}

function disconnectClient<Ref>(
  state: ClientManagerState<Ref>,
  event: { readonly ref: Ref; readonly generation?: number; readonly left?: boolean },
): ClientManagerStep<Ref> {
  const known = state.clients.get(event.ref);
  if (!known || (event.generation !== undefined && known.generation !== event.generation)) return UNCHANGED;
  if (known.info.resumable && !event.left) state.held.add(known.info.nodeId);
  return removeClient(state, event.ref, true);
}

function holdPlace<Ref>(state: ClientManagerState<Ref>, nodeId: string): ClientManagerStep<Ref> {
  if (state.nodes.has(nodeId) || state.held.has(nodeId)) return UNCHANGED;
  if (state.clients.size + state.held.size >= state.clientsMax) return refuse('max_clients_reached');
  state.held.add(nodeId);
  state.rev += 1;
  return UNCHANGED;
}

/** Nobody waits for this node id any more: its place is free, and is not held when the client who has it now is lost. */
function releasePlace<Ref>(state: ClientManagerState<Ref>, nodeId: string): ClientManagerStep<Ref> {
  const ref = state.nodes.get(nodeId);
  const client = ref === undefined ? undefined : state.clients.get(ref);
  // A session that is killed ends before its client does.
  if (client?.info.resumable) state.clients.set(client.ref, { ...client, info: { ...client.info, resumable: false } });
  else if (!state.held.delete(nodeId)) return UNCHANGED;
  state.rev += 1;
  return UNCHANGED;
}

function clientDown<Ref>(state: ClientManagerState<Ref>, ref: Ref): ClientManagerStep<Ref> {
  const { resumable, nodeId } = state.clients.get(ref)?.info ?? {};
  if (resumable && nodeId !== undefined) state.held.add(nodeId);
  return removeClient(state, ref, false);
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
  if (!before && client.streams.length >= state.streamsPerClientMax) return refuse('max_streams_reached');

  const effects: ClientManagerEffect<Ref>[] = before ? [] : [{ type: 'monitor', ref: stream }];
  if (before?.endpoint !== undefined) state.endpoints.delete(before.endpoint);
  const entry: StreamEntry<Ref> = { ref: stream, owner, nodeId, endpoint };
  state.streams.set(stream, entry);
  if (!before) client.streams = [...client.streams, stream];
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
  if (client) client.streams = client.streams.filter((other) => other !== stream);
  // An implicit client's control stream is its oldest call; when that ends, the next oldest stands in.
  const next = client?.info.implicit ? client.streams[0] : undefined;
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
