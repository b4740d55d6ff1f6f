/**
 * The gateway's invariants, as they must hold whenever it is at rest. Each check yields everything that is wrong, in words
 * that begin with the invariant's name.
 */
import type { AnyActorRef } from 'xstate';
import type { ClientManagerState } from '../../machines/client-manager.js';
import { orphans, stateOf } from '../../src/gateway/structure.js';
import { describeReason } from '../../src/otp/exit-reason.js';
import { leftovers } from '../../src/otp/leaks.js';
import { type Process, processOf } from '../../src/otp/process.js';
import { AUDIO_QUEUE, QUEUE_FRAMES } from './limits.js';
import type { World } from './world.js';

/** How long the gateway may leave somebody without an answer, in milliseconds of virtual time. */
const ANSWER_MS = 8_500;

/** How long the gateway may be without its core: root first ends everybody behind it, and each may take its time to give back. */
const CORE_AWAY_MS = 20_000;

type Faults = Generator<string>;

export function brokenInvariants(world: World): readonly string[] {
  return [
    ...world.breaches,
    ...own(world),
    ...down(world),
    ...maps(world),
    ...sessions(world),
    ...bound(world),
    ...teardown(world),
    ...attempt(world),
    ...answered(world, ANSWER_MS),
    ...world.checks.flatMap((check) => [...check()]),
  ].map((fault) => world.named(fault));
}

/** What must be true when all is over. */
export function leftBehind(world: World): readonly string[] {
  const left = leftovers(world.system);
  const faults = [...world.breaches, ...down(world), ...teardown(world), ...attempt(world), ...answered(world, 0)];
  if (Object.keys(left).length > 0) faults.push(`I-zero: left behind: ${JSON.stringify(left)}`);
  if (world.clock.pending > 0) faults.push(`I-zero: ${world.clock.pending} timers are left`);
  if (world.tree.sessions.size > 0) faults.push(`I-zero: ${world.tree.sessions.size} sessions are left`);
  if (world.tree.cameras.size > 0) faults.push(`I-zero: ${world.tree.cameras.size} cameras are left`);
  for (const { label, wire } of [...world.connections, ...world.watches])
    if (wire.ended === undefined && !isRefused(world, label)) faults.push(`I-zero: ${label} was never ended`);
  for (const { attempts, label } of world.sourcesMade)
    if (attempts.size > 0) faults.push(`I-zero: ${label} was never closed`);
  for (const check of world.lastChecks) faults.push(...check());
  return faults.map((fault) => world.named(fault));
}

function* own({ system, root, disk }: World): Faults {
  if (root?.alive) for (const { path } of orphans(root)) yield `I-own: ${path} is an orphan`;
  const paths = new Set([...system.processes].map(({ path }) => path));
  for (const { owner, kind, count } of system.census.holdings())
    if (!paths.has(owner) && !(disk.pending > 0 && (kind === 'playback' || kind === 'recorder')))
      yield `I-own: ${count} ${kind} belong to ${owner}, who is gone`;
  let standing = 0;
  for (const { watchers } of system.processes) standing += watchers?.size ?? 0;
  if (standing !== system.monitors) yield `I-own: ${standing} monitors stand, ${system.monitors} are counted`;
}

function* down({ watched }: World): Faults {
  for (const { process, aliveWhenSet, downs } of watched) {
    const due = process.gone || !aliveWhenSet ? 1 : 0;
    if (downs.length !== due) yield `I-down: ${process.path} gave ${downs.length} DOWN instead of ${due}`;
    const [reason] = downs;
    const true_ = aliveWhenSet ? process.exit : 'noproc';
    if (reason !== undefined && reason !== true_)
      yield `I-down: ${process.path} ended ${describeReason(true_ ?? 'normal')}, DOWN says ${describeReason(reason)}`;
  }
}

/** The client manager that is alive, and its tables. */
function managerOf(
  world: World,
): { readonly process: Process; readonly state: ClientManagerState<AnyActorRef> } | undefined {
  for (const process of world.system.processes) {
    if (process.kind !== 'client-manager' || !process.alive) continue;
    return { process, state: (process.ref.getSnapshot() as { context: ClientManagerState<AnyActorRef> }).context };
  }
  return undefined;
}

function* maps(world: World): Faults {
  const { system, tree } = world;
  const manager = managerOf(world);
  if (!manager) {
    // There is none while those behind the core come to their end; then root starts everybody anew.
    if ([...system.processes].some(({ id, alive }) => alive && id === 'core'))
      yield 'I-maps: there is no client manager';
    const awayMs = world.clock.now() - world.coreEndedAtMs;
    if (world.root?.alive && awayMs > CORE_AWAY_MS) yield `I-maps: there has been no core for ${awayMs} ms`;
    return;
  }
  const { state } = manager;
  for (const fault of tree.clients.faults()) yield `I-maps: ${fault}`;
  for (const [ref, { info }] of state.clients)
    if (!processOf(ref)?.alive) yield `I-maps: the client of "${info.nodeId}" is dead and registered`;
  for (const [ref, { nodeId }] of state.streams)
    if (!processOf(ref)?.alive && !lingers(world, nodeId))
      yield `I-maps: a stream of "${nodeId}" is dead and registered`;
  for (const process of system.processes) {
    if (!process.alive) continue;
    if (process.kind === 'client' && !state.clients.has(process.ref)) yield `I-maps: ${process.path} is not registered`;
    const inSession = process.kind === 'stream' && process.parent?.id.startsWith('session:');
    if (inSession && !state.streams.has(process.ref)) yield `I-maps: ${process.path} is not registered`;
  }
  const watching = manager.process.watching?.size ?? 0;
  const registered = state.clients.size + state.streams.size;
  if (watching !== registered) yield `I-maps: ${watching} monitors for ${registered} clients and streams`;
  const waiting = [...tree.sessions.all()].filter((session) => session.alive && session.state === 'grace');
  const held = [...state.held].sort().join();
  const due = waiting
    .map(({ nodeId }) => nodeId)
    .sort()
    .join();
  if (held !== due) yield `I-maps: places are held for [${held}], sessions in grace are [${due}]`;
}

function* sessions(world: World): Faults {
  const { system, tree } = world;
  // Sessions outlive their client manager while root, whose core has crashed, waits for those behind them to give back: a host's
  // uplink may take seconds to close. Until then nobody keeps client_streams, and there is nothing to compare with.
  const managed = managerOf(world) !== undefined;
  const supervisors = [...system.processes].filter((one) => one.alive && one.id.startsWith('session:'));
  const ids = new Set(supervisors.map(({ id }) => id));
  if (ids.size !== supervisors.length) yield `I-maps: a node id has two sessions: ${supervisors.map(({ id }) => id)}`;
  if (tree.sessions.size !== supervisors.length)
    yield `I-maps: ${tree.sessions.size} sessions in the table, ${supervisors.length} alive`;
  for (const session of tree.sessions.all()) {
    const { client, nodeId, state, streams } = session;
    const here = client.process?.alive === true;
    if (state === 'connected' && !here && !lingers(world, nodeId))
      yield `I-maps: session "${nodeId}" is connected without a client`;
    if (state === 'grace' && here) yield `I-maps: session "${nodeId}" is in grace with a client`;
    if (state !== 'connected' && state !== 'grace' && !lingers(world, nodeId))
      yield `I-maps: session "${nodeId}" rests in ${state}`;
    for (const stream of streams) {
      if (!stream.alive) yield `I-own: session "${nodeId}" keeps ${stream.id}, which has ended`;
      else if (state === 'grace') yield `I-own: session "${nodeId}" is in grace and has ${stream.id}`;
    }
    const { control } = client;
    if (managed && control && tree.clients.getClientStream(nodeId) !== control.process.ref)
      yield `I-maps: "${nodeId}" has a control stream that client_streams does not name`;
    if (here && !client.implicit && !control) yield `I-maps: client "${nodeId}" is here without a control stream`;
    if (here && client.implicit && streams.length === 0) yield `I-own: implicit client "${nodeId}" has no call left`;
    for (const app of session.apps.all()) {
      if (state === 'connected' || !['starting', 'resurrecting', 'pausing'].includes(app.state)) continue;
      yield `I-no-resurrection: app ${app.spec.packageName} of "${nodeId}" is ${app.state}, the session is ${state}`;
    }
  }
}

/** Whether one of its streams, whose end is decided, still gives something back to a disk that takes its time. */
function lingers({ system, mayLinger }: World, nodeId: string): boolean {
  return [...system.processes].some(
    (one) => !one.alive && !one.gone && one.path.includes(`session:${nodeId}/`) && mayLinger(one),
  );
}

function* bound({ tree, system, options }: World): Faults {
  const { queueFrames, queueBytes } = options.stream;
  // Words are small and are bounded by bytes; four queues of them, each word at least 64 bytes.
  const words = queueFrames + Math.ceil((4 * queueBytes) / 64) + 1;
  const streams = tree.live.streams();
  for (const { id, kind, queued } of streams) {
    const most = kind === 'connect' ? words : kind === 'audio' ? AUDIO_QUEUE : QUEUE_FRAMES;
    if (queued > most) yield `I-bound: ${queued} wait in ${id}, ${most} may`;
  }
  for (const { id, viewers } of tree.cameras.all()) {
    const watching = streams.filter(
      ({ cameraId, kind }) => cameraId === id && kind !== 'publish' && kind !== 'playback',
    );
    const alive = watching.length + snapshots(system);
    if (viewers > alive) yield `I-own: camera "${id}" serves ${viewers}, alive are ${alive}`;
    const open = watching.filter(({ state }) => state.startsWith('alive.open')).length;
    if (viewers < open) yield `I-own: ${open} streams watch camera "${id}", which serves ${viewers}`;
  }
}

/** Timers of snapshots that wait; each is a viewer for as long. */
function snapshots(system: World['system']): number {
  return [...system.processes].reduce(
    (sum, { kind, holds }) => sum + (kind === 'camera' ? (holds['timer'] ?? 0) : 0),
    0,
  );
}

function* teardown(world: World): Faults {
  for (const { label, control, wire } of world.connections) yield* oneEnd(label, control?.process, wire.ended);
  for (const { label, stream, wire } of world.watches) yield* oneEnd(label, stream?.process, wire.ended);
}

function* oneEnd(label: string, process: Process | undefined, ended: string | undefined): Faults {
  if (!process) return;
  if (process.alive && ended !== undefined) yield `I-teardown: the wire of ${label} has ended, its stream has not`;
  if (process.gone && ended === undefined) yield `I-teardown: the stream of ${label} has ended, its wire has not`;
}

function* attempt({ sources, sourcesMade, tree }: World): Faults {
  for (const { label, attempts } of sourcesMade)
    if (attempts.size > 1) yield `I-attempt: ${attempts.size} attempts at ${label} are open`;
  for (const { id, process } of tree.cameras.all()) {
    const state = stateOf(process);
    const open = sources.get(`simulated:${id}`)?.attempts.size ?? 0;
    if (open > 0 && /\.(idle|backingOff|failed)$/.test(state)) yield `I-attempt: camera "${id}" is ${state} and open`;
  }
}

function* answered({ asks, clock }: World, withinMs: number): Faults {
  for (const { label, answer, atMs, patienceMs = withinMs } of asks)
    if (answer === 'none' && clock.now() - atMs > (withinMs && patienceMs)) yield `${label} was never answered`;
}

function isRefused({ asks }: World, label: string): boolean {
  return asks.some((ask) => ask.label === label && ask.answer === 'refused');
}
