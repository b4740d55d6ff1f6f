/** Breadth first through every state of the model until there is no new one, each state held to the invariants. */
import { type ClientManagerState, clientManagerTransition } from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';
import { hasLeft } from '../../src/gateway/client.js';
import { describeReason } from '../../src/otp/exit-reason.js';
import { Model } from './model.js';
import { CONNECTIONS, NODES, type Reducer } from './runtime.js';

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly restingStates: number;
  /** The first state that breaks an invariant: what is wrong, and the steps that lead there. */
  readonly broken: { readonly faults: readonly string[]; readonly path: readonly string[] } | undefined;
}

interface Path {
  readonly step: string;
  readonly from: Path | undefined;
}

interface Found {
  readonly model: Model;
  readonly path: Path;
}

/** More states than this model has; an exploration that finds them is told to stop before it takes the machine. */
const STATES_MAX = 1_500_000;

export function explore(clientsMax: number, reduce: Reducer = clientManagerTransition): Exploration {
  // Hashes instead of states. Two of a million states are mistaken for one with a probability of one in ten thousand.
  const seen = new Set<number>();
  let frontier: Found[] = [{ model: new Model(clientsMax, reduce), path: { step: 'begin', from: undefined } }];
  let transitions = 0;
  let restingStates = 0;
  while (frontier.length > 0) {
    const next: Found[] = [];
    for (const found of frontier) {
      const successors = stepsOf(found.model);
      const resting = successors.every(({ internal }) => !internal);
      if (resting) restingStates += 1;
      const faults = [...faultsOf(found.model), ...(resting ? restingFaults(found.model) : [])];
      if (faults.length > 0) {
        const broken = { faults, path: stepsTo(found.path) };
        return { states: seen.size, transitions, restingStates, broken };
      }
      transitions += successors.length;
      for (const { step, model } of successors) {
        const key = hashOf(keyOf(model));
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ model, path: { step, from: found.path } });
      }
      if (seen.size > STATES_MAX) throw new Error(`more than ${STATES_MAX} states`);
    }
    frontier = next;
  }
  return { states: seen.size, transitions, restingStates, broken: undefined };
}

function stepsTo(path: Path): readonly string[] {
  const steps: string[] = [];
  for (let at: Path | undefined = path; at; at = at.from) steps.unshift(at.step);
  return steps;
}

/** 53 bits of a text. */
function hashOf(text: string): number {
  let one = 0xdeadbeef;
  let other = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 2_654_435_761);
    other = Math.imul(other ^ code, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(other ^ (other >>> 13), 3_266_489_909);
  other = Math.imul(other ^ (other >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & other) + (one >>> 0);
}

interface Successor {
  readonly step: string;
  readonly model: Model;
  /** The gateway does it by itself, sooner or later. */
  readonly internal: boolean;
}

function stepsOf(model: Model): readonly Successor[] {
  const successors: Successor[] = [];
  const add = (step: string, internal: boolean, take: (model: Model) => boolean | undefined): void => {
    const copy = copyOf(model);
    if (take(copy) === false) return;
    copy.prune();
    successors.push({ step, internal, model: copy });
  };
  const did = (take: (model: Model) => void) => (copy: Model) => {
    take(copy);
    return undefined;
  };
  const { connections, queue, manager, crashes } = model;
  if (queue.length > 0)
    add(
      'deliver',
      true,
      did((copy) => copy.deliver()),
    );
  if (!manager)
    add(
      'restart the manager',
      true,
      did((copy) => copy.restartManager()),
    );
  for (const index of connections.keys()) add(`connection ${index} goes on`, true, (copy) => copy.goOn(index));
  if (crashes === 0)
    add(
      'crash the manager',
      false,
      did((copy) => copy.crashManager()),
    );
  if (queue.length > 0) return successors;
  if (connections.length < CONNECTIONS) {
    for (const node of connections.length === 0 ? NODES.slice(0, 1) : NODES) {
      add(
        `hello from ${node}`,
        false,
        did((copy) => copy.hello(node, false)),
      );
      if (model.sessions.get(node)?.token)
        add(
          `resume from ${node}`,
          false,
          did((copy) => copy.hello(node, true)),
        );
    }
  }
  for (const [index, { alive, stream }] of connections.entries()) {
    if (alive)
      add(
        `client ${index} is killed`,
        false,
        did((copy) => copy.killClient(index)),
      );
    if (alive)
      add(
        `client ${index} says bye`,
        false,
        did((copy) => copy.bye(index)),
      );
    if (stream === 'alive')
      add(
        `stream ${index} is killed`,
        false,
        did((copy) => copy.killStream(index)),
      );
  }
  for (const node of NODES) {
    add(`the grace of ${node} is over`, false, (copy) => copy.fire(node, 'grace'));
    add(`${node} was not registered in time`, false, (copy) => copy.fire(node, 'attachTimeout'));
  }
  return successors;
}

/** In every state: the indexes agree, and whoever is listed lives or is about to be struck off. */
function faultsOf({ manager, queue, connections }: Model): readonly string[] {
  if (!manager) return [];
  const faults = clientManagerFaults(manager);
  const awaited = new Set(queue.flatMap((message) => (message.to === 'manager' ? [message.ref] : [])));
  for (const ref of manager.clients.keys())
    if (!connections[Number(ref.slice(1))]?.alive && !awaited.has(ref)) faults.push(`${ref} is dead and registered`);
  for (const ref of manager.streams.keys())
    if (connections[Number(ref.slice(1))]?.stream !== 'alive' && !awaited.has(ref))
      faults.push(`${ref} is dead and registered`);
  return faults;
}

/** When the gateway is at rest: everybody alive is listed, places are held for the sessions in grace, and nobody waits. */
function restingFaults({ manager, connections, sessions, monitors }: Model): readonly string[] {
  const faults: string[] = [];
  for (const [index, { alive, stream, at, node }] of connections.entries()) {
    if (at !== 'over') faults.push(`connection ${index} waits for ${at}`);
    if (alive && !manager?.clients.has(`c${index}`)) faults.push(`c${index} is not registered`);
    if (alive && sessions.get(node)?.current !== index) faults.push(`c${index} belongs to no session`);
    if (stream === 'alive' && !manager?.streams.has(`s${index}`)) faults.push(`s${index} is not registered`);
    if (stream === 'alive' && !alive) faults.push(`s${index} has no client`);
    if (alive && stream !== 'alive') faults.push(`c${index} has no control stream`);
  }
  for (const node of NODES) {
    const session = sessions.get(node);
    const here = session !== undefined && connections[session.current]?.alive === true;
    const state = session?.keeper.name ?? 'none';
    if (session && !/^alive\.(connected|grace) /.test(state)) faults.push(`the session of ${node} rests in ${state}`);
    if (state.startsWith('alive.connected') && !here) faults.push(`the session of ${node} is connected with nobody`);
    if (state.startsWith('alive.grace') && here) faults.push(`the session of ${node} waits for somebody who is here`);
    const held = manager?.held.has(node) === true;
    if (held !== state.startsWith('alive.grace')) faults.push(`${node}: session ${state}, place held: ${held}`);
  }
  const registered = (manager?.clients.size ?? 0) + (manager?.streams.size ?? 0);
  if (monitors.size !== registered) faults.push(`${monitors.size} monitors for ${registered} registered`);
  return faults;
}

function copyOf(model: Model): Model {
  const copy = new Model(model.clientsMax, model.reduce);
  copy.connections = model.connections.map((connection) => ({ ...connection }));
  copy.sessions = new Map([...model.sessions].map(([node, session]) => [node, { ...session }]));
  copy.queue = [...model.queue];
  copy.manager = model.manager && copyOfManager(model.manager);
  copy.monitors = new Set(model.monitors);
  copy.crashes = model.crashes;
  return copy;
}

function copyOfManager(state: ClientManagerState<string>): ClientManagerState<string> {
  const clients = [...state.clients].map(([ref, client]) => [ref, { ...client }] as const);
  return {
    ...state,
    clients: new Map(clients),
    nodes: new Map(state.nodes),
    // Entries are never changed, only replaced, and the indexes share them.
    clientStreams: new Map(state.clientStreams),
    streams: new Map(state.streams),
    endpoints: new Map(state.endpoints),
    held: new Set(state.held),
  };
}

/** The same for states from which the same can follow. Generations and revisions only rise and decide nothing here. */
function keyOf({ connections, sessions, queue, manager, monitors, crashes }: Model): string {
  const reasonOf = (reason: Parameters<typeof describeReason>[0] | undefined): string =>
    reason === undefined ? '' : describeReason(reason);
  return [
    connections.map(({ node, at, lost, before, client, alive, exit, stream, control }) => {
      // How somebody who is dead came to its end matters only in whether it has left.
      const state = alive ? (client?.name ?? 'none') : exit === undefined ? 'none' : `dead ${hasLeft(exit)}`;
      const waiting = at === 'clientEnd' ? before : '';
      return `${node},${at},${lost && at !== 'over'},${waiting},${state},${stream},${control}`;
    }),
    NODES.map((node) => {
      const session = sessions.get(node);
      return session ? `${session.keeper.name},${session.current},${session.superseded},${session.token}` : '';
    }),
    queue.map((message) => {
      const event = message.to === 'client' ? `${message.event.type} ${reasonOf(message.event.reason)}` : '';
      const reason = message.to === 'session' ? reasonOf(message.reason) : '';
      const { to, ref, connection, node } = message as { to: string; ref?: string; connection?: number; node?: string };
      return `${to} ${ref ?? connection ?? node} ${event}${reason}`;
    }),
    manager
      ? [
          [...manager.clients.keys()].sort(),
          [...manager.streams.values()].map(({ ref, owner }) => `${ref}>${owner}`).sort(),
          [...manager.clientStreams].map(([node, { ref }]) => `${node}=${ref}`).sort(),
          [...manager.held].sort(),
        ].join(';')
      : 'none',
    [...monitors].sort(),
    crashes,
  ].join('|');
}
