/**
 * One gateway among several: the chart of `machines/node.ts`, with what its states mean. Its lease says whether it may act, its
 * claims what it owns, its directory who owns the rest, and its peers who is heard. All of it talks through one engine port.
 *
 * Nothing here knows sessions, cameras or gRPC: it is keys and tokens.
 */
import type { NodeEvent } from '../../machines/node.js';
import { Beats } from './beats.js';
import type { ClaimAnswer, ExclusiveAnswer } from './claim-words.js';
import { Claims } from './claims.js';
import { Directory } from './directory.js';
import type { Engine, EngineInfo, RequestAnswer, Undo } from './engine.js';
import type { Holding } from './holding.js';
import { Lease } from './lease.js';
import { Leases } from './leases.js';
import type { ClusterNodeParts, Member, NodeState } from './node-parts.js';
import { CLUSTER_DEFAULTS, type ClusterOptions } from './options.js';
import { type Down, Peers } from './peers.js';
import { DOUBTS_MAX, LOOKS, RULES, type Rules } from './rules.js';
import { readHeartbeat, readTaken, subjectWord, writeHeartbeat, writeTaken } from './subjects.js';
import type { Token } from './token.js';
import { Watches } from './watches.js';

export class ClusterNode {
  readonly name: string;
  readonly engine: Engine;
  readonly options: ClusterOptions;
  readonly #rules: Rules;
  readonly #note: NonNullable<ClusterNodeParts['note']>;
  readonly #directory: Directory;
  readonly #claims: Claims;
  readonly #lease: Lease;
  readonly #leases: Leases;
  readonly #peers: Peers;
  readonly #beats: Beats;
  readonly #watches: Watches;
  #undo: Undo[] = [];
  #era = 0;
  #doubts = 0;
  #state: NodeState = 'joining';
  #send: (event: NodeEvent) => void = () => {};

  constructor(parts: ClusterNodeParts) {
    const { name, engine, clock, random, rules = RULES, note = () => {} } = parts;
    [this.name, this.engine, this.#rules, this.#note] = [name, engine, rules, note];
    const options = { ...CLUSTER_DEFAULTS, ...parts.options };
    this.options = options;
    const common = { engine, clock, options, rules };
    this.#beats = new Beats(clock);
    const onSilence = (node: string, silent: boolean) =>
      note(silent ? 'cluster.nodeSilent' : 'cluster.nodeHeard', { node });
    this.#peers = new Peers({ clock, silenceMs: options.silenceMs, onSilence });
    this.#directory = new Directory((key, now) => {
      this.#claims.seen(key, now.record, now.rev);
      this.#peers.changed(key, now);
    });
    this.#lease = new Lease({
      ...common,
      node: name,
      addr: parts.addr ?? '',
      onGranted: () => this.#send({ type: 'lease.granted' }),
      onLost: (why) => this.#lost(why),
    });
    this.#claims = new Claims({
      ...common,
      node: name,
      random,
      directory: this.#directory,
      era: () => this.#era,
      inc: () => this.#lease.inc,
      mayAct: () => this.mayAct(),
      onTaken: (key, from, token) => engine.publish(`node.${subjectWord(from)}.superseded`, writeTaken(key, token)),
      onWentBack: (what) => this.#wentBack(what),
    });
    this.#leases = new Leases({
      ...common,
      self: name,
      directory: this.#directory,
      claims: this.#claims,
      onUp: (node, lease) => {
        if (node === name) return;
        this.#peers.heard(node);
        this.#note('cluster.nodeUp', { node, inc: lease.inc });
      },
      onEnded: (node, inc) => {
        this.#peers.forget(node);
        if (node !== name) this.#note('cluster.nodeGone', { node, inc });
      },
    });
    this.#watches = new Watches(engine, this.#directory, this.#leases);
  }

  get state(): NodeState {
    return this.#state;
  }

  get inc(): number {
    return this.#lease.inc;
  }

  /** In which the engine's revisions count; 0 before the engine was asked. */
  get era(): number {
    return this.#era;
  }

  get held(): number {
    return this.#claims.held;
  }

  /** Records known, of all nodes. */
  get known(): number {
    return this.#directory.size;
  }

  /** How long this node may still act without another renewal. */
  get leaseMs(): number {
    return this.#lease.leftMs;
  }

  get monitors(): number {
    return this.#peers.monitors;
  }

  /** The guard: whether this node may act at this moment. */
  mayAct(): boolean {
    return this.#state === 'up' && this.#lease.mayAct();
  }

  /** Takes a key from whoever has it. `ord` orders one client's connects; 0: unknown. The answer comes once. */
  claim(key: string, ord: number, done: (answer: ClaimAnswer) => void): void {
    this.#claims.claim(key, ord, done);
  }

  /** Takes a key that is nobody's, for what cannot check a token. The answer comes once. */
  claimExclusive(key: string, done: (answer: ExclusiveAnswer) => void): void {
    this.#claims.claimExclusive(key, done);
  }

  ownership(key: string): Holding | undefined {
    return this.#claims.get(key);
  }

  /** Who owns a key, as far as this node knows. */
  whereis(key: string): { readonly node: string; readonly token: Token } | undefined {
    const known = this.#directory.of(key);
    if (!known?.record.node) return undefined;
    return { node: known.record.node, token: { era: this.#era, rev: known.rev } };
  }

  /** DOWN once, when whoever owns the key now does so no longer or is not heard. @returns the undo. */
  monitor(key: string, onDown: (down: Down) => void): Undo {
    return this.#peers.monitor(key, this.#directory.of(key), onDown);
  }

  members(): readonly Member[] {
    return this.#leases.members((node) => this.#peers.silent(node));
  }

  /** Asks another node. `no_responders` at once where it is gone; `unknown`: it may have been carried out. */
  call(node: string, method: string, body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void {
    this.engine.request(`node.${subjectWord(node)}.call.${subjectWord(method)}`, body, timeoutMs, done);
  }

  /** Answers the calls of other nodes. @returns the undo. */
  serve(method: string, onRequest: (body: Uint8Array, reply: (body: Uint8Array) => void) => void): Undo {
    return this.engine.serve(`node.${subjectWord(this.name)}.call.${subjectWord(method)}`, onRequest);
  }

  // What the chart's states mean. Called by `nodeLogic` and by nobody else.

  start(send: (event: NodeEvent) => void): void {
    this.#send = send;
    const { engine, name } = this;
    this.#watches.begin();
    this.#undo = [
      engine.subscribe('heartbeat.*', (body) => {
        const node = readHeartbeat(body) ?? name;
        if (node !== name) this.#peers.heard(node);
      }),
      engine.subscribe(`node.${subjectWord(name)}.superseded`, (body) => {
        const taken = readTaken(body);
        if (taken) this.#claims.toldSuperseded(taken.key, taken);
      }),
      engine.onReconnect(() => this.resync(Number.POSITIVE_INFINITY)),
    ];
    this.#beats.every('renew', this.options.renewMs, () => this.#lease.renew());
    this.#beats.every('heartbeat', this.options.heartbeatMs, () => this.#beat());
    this.#beats.every('resync', this.options.resyncMs, () => this.resync(this.options.resyncKeys));
  }

  takeLease(): void {
    this.#state = 'joining';
    const seenRev = this.#directory.highestRev;
    this.engine.info((answer) => {
      if (this.#state !== 'joining' || answer.type === 'unknown') return;
      if (this.#admitEra(answer, seenRev)) this.#lease.take();
    });
  }

  openForClaims(): void {
    this.#state = 'up';
    this.#note('cluster.joined', { inc: this.inc, era: this.#era });
    // What was granted late may be over already.
    this.mayAct();
  }

  dropAll(state: 'fenced' | 'halted'): void {
    this.#state = state;
    this.#lease.drop();
    this.#claims.dropAll('fenced');
    this.#peers.fenced(this.name);
  }

  lookForEra(): void {
    this.engine.info((answer) => {
      if (this.#state !== 'halted' || answer.type === 'unknown' || answer.era <= this.#era) return;
      this.#admitEra(answer, 0);
      this.#send({ type: 'era.began' });
    });
  }

  giveBack(): void {
    this.#state = 'left';
    this.#claims.releaseAll(() => {
      this.#lease.giveUp();
      this.#send({ type: 'keys.released' });
    });
  }

  /** Nothing of this node runs any more. The engine stays: whoever made it closes it. */
  close(): void {
    this.#state = 'left';
    this.#send = () => {};
    this.#beats.stop();
    this.#watches.end();
    for (const undo of this.#undo.splice(0)) undo();
    this.#claims.dropAll('released');
    this.#peers.clear();
    this.#note('cluster.left', { inc: this.inc });
  }

  /** Looks again at what is owned, at the leases of the others, and whether the engine is where it was. */
  resync(keysMax: number): void {
    if (this.#state !== 'up') return;
    this.#look();
    this.#claims.resync(keysMax);
    this.#leases.sweep();
  }

  /** Whether the engine is where it was. A server that lags may answer before the others: less is asked for again at once. */
  #look(left = LOOKS): void {
    const seenRev = this.#directory.highestRev;
    this.engine.info((answer) => {
      if (this.#state !== 'up' || answer.type === 'unknown') return;
      const less = this.#rules.wentBack(answer, { era: this.#era, rev: seenRev });
      if (answer.era > this.#era && this.#era !== 0) this.#lost('the engine has begun a new era');
      else if (less && left > 1) this.#look(left - 1);
      else this.#goesOn(answer, seenRev);
    });
  }

  #admitEra(info: EngineInfo, seenRev: number): boolean {
    if (!this.#goesOn(info, seenRev)) return false;
    // What was told before the engine had said its first era is of that era.
    if (info.era > this.#era && this.#era !== 0) this.#watches.beginAnew();
    this.#era = Math.max(this.#era, info.era);
    return true;
  }

  /** False when the engine shows less than `seenRev`, what had been seen when it was asked. It halts when that stays so. */
  #goesOn(info: EngineInfo, seenRev: number): boolean {
    this.#doubts = this.#rules.wentBack(info, { era: this.#era, rev: seenRev }) ? this.#doubts + 1 : 0;
    if (this.#doubts === DOUBTS_MAX) this.#wentBack(`its last write is ${info.lastRev} in era ${info.era}`);
    else if (this.#doubts > 0) this.#lost('the engine shows less than it had acknowledged');
    return this.#doubts === 0;
  }

  #wentBack(what: string): void {
    if (this.#state === 'halted' || this.#state === 'left') return;
    this.#note('cluster.wentBack', { what, era: this.#era });
    this.dropAll('halted');
    this.#send({ type: 'engine.wentBack' });
  }

  /** What is owned is dropped here and now; the chart hears of it in its turn. */
  #lost(why: string): void {
    if (this.#state !== 'up') return;
    this.#note('cluster.fenced', { why, dropped: this.held });
    this.dropAll('fenced');
    this.#send({ type: 'lease.lost', why });
  }

  #beat(): void {
    this.#peers.listen();
    // Noticed here too, within a heartbeat: whoever asks for nothing must not learn late that it may act no more.
    if (!this.mayAct()) return;
    this.engine.publish(`heartbeat.${subjectWord(this.name)}`, writeHeartbeat(this.name));
  }
}
