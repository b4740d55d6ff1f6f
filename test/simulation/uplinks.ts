/**
 * Uplinks of the simulated process: wanted, given up in whatever they are at, crashed, and started anew with their
 * supervisor. Held from the outside: a peer has one attempt of its uplink at a time; what is wanted is there or will be soon;
 * of what is not, nothing is left.
 */
import { Uplink } from '../../src/gateway/uplink.js';
import { Uplinks } from '../../src/gateway/uplinks.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { childrenOf } from '../../src/otp/supervisor.js';
import type { Stage } from './stage.js';
import { UPLINK, UplinkLife } from './uplink-life.js';
import { Peer } from './uplink-peers.js';
import type { Ask } from './world.js';

/** Uplinks that are wanted at once. */
const UPLINKS_MAX = 3;
/** How long one that is wanted may be away: the longest wait of its supervisor, and what ends before it. */
const AWAY_MS = UPLINK.retry.maxMs + 8_000;

export class SimulatedUplinks {
  readonly #stage: Stage;
  readonly #uplinks = new Uplinks();
  readonly #peers: Peer[] = [];
  /** Since when a wanted one is seen to be away, and how often it had been started by then. */
  readonly #away = new Map<Peer, { readonly sinceMs: number; readonly lives: number }>();

  constructor(stage: Stage) {
    this.#stage = stage;
    const { world } = stage;
    world.listeners.push({ id: 'uplinks', type: 'supervisor', start: this.#uplinks.start });
    for (let count = stage.dice.int(0, 2); count > 0; count -= 1) this.begin();
    world.checks.push(() => this.#faults());
    world.lastChecks.push(() => this.#leftBehind());
  }

  get #supervisor(): Process | undefined {
    for (const process of this.#stage.world.system.processes)
      if (process.path === 'sluice/listeners/uplinks' && process.alive) return process;
    return undefined;
  }

  get #wanted(): readonly Peer[] {
    return this.#peers.filter(({ unwanted }) => !unwanted);
  }

  begin(): void {
    if (this.#wanted.length >= UPLINKS_MAX) return;
    const peer = new Peer(`uplink:${this.#peers.length + 1}`, this.#stage);
    this.#peers.push(peer);
    this.#stage.note(`${peer.id} is wanted`);
    this.#uplinks.add({
      id: peer.id,
      options: UPLINK,
      make: (turn) => {
        const uplink: Uplink = new Uplink({
          transport: { label: peer.id, open: (listener, how) => peer.open(life, listener, how) },
          options: UPLINK,
          turn,
          random: this.#stage.dice.next,
          tell: (event) => life.tell(event),
        });
        const life = new UplinkLife(uplink, peer);
        peer.life = life;
        peer.lives += 1;
        return uplink;
      },
      onOver: (error) => {
        peer.overs.push(error);
        peer.unwanted = true;
        this.#stage.note(`  ${peer.id} is over: ${error?.message ?? 'ended'}`);
      },
    });
  }

  /** Nobody wants one any more, whatever it is at. */
  end(): void {
    const peer = this.#stage.dice.pick(this.#wanted);
    if (!peer) return;
    const ask: Ask = this.#stage.newAsk(`end-${peer.id}`);
    this.#stage.note(`${ask.label}, which is ${peer.life?.alive ? peer.life.uplink.view().state : 'away'}`);
    this.#stage.world.ask(ask, this.#uplinks.end(peer.id), () => {
      peer.ended = true;
      if (peer.attempts.size > 0) this.#stage.world.breach(`I-attempt: ${peer.id} has ended and is still open`);
    });
  }

  /** Something happens at a far end. */
  disturb(): void {
    const peer = this.#stage.dice.pick(this.#wanted);
    const attempt = peer?.current;
    if (!peer || !attempt) return;
    const what = this.#stage.dice.weighted({ speak: 3, reset: 4, hush: 3, stick: 1.5, refuse: 0.6 });
    this.#stage.note(`${peer.id}: ${what}`);
    if (what === 'speak') attempt.speak();
    else if (what === 'hush') attempt.hush();
    else if (what === 'stick') peer.stuck = true;
    else attempt.fail(what === 'refuse');
  }

  /** Their supervisor is killed: whoever comes next begins with all of them, while the old ones still give back. */
  crash(): void {
    const process = this.#supervisor;
    if (!process) return;
    this.#stage.note(`${process.path} is killed`);
    exit(process.ref, 'kill');
  }

  *#faults(): Generator<string> {
    const { world } = this.#stage;
    const nowMs = world.clock.now();
    const supervisor = this.#supervisor;
    const known = new Set(supervisor && childrenOf(supervisor.ref).map(({ spec }) => spec.id));
    for (const peer of this.#peers) {
      const { id, life, attempts, unwanted, overs } = peer;
      if (attempts.size > 1) yield `I-attempt: ${attempts.size} attempts at ${id} are open`;
      for (const fault of life?.faults() ?? []) yield `${fault} (${id})`;
      if (overs.length > 1) yield `I-uplink: ${id} is over ${overs.length} times`;
      if (peer.ended && known.has(id)) yield `I-own: ${id} has ended, and its supervisor keeps it`;
      if (unwanted) peer.forgotten = true;
      if (unwanted || life?.alive || !supervisor) this.#away.delete(peer);
      else if (this.#away.get(peer)?.lives !== peer.lives) this.#away.set(peer, { sinceMs: nowMs, lives: peer.lives });
      const awayMs = nowMs - (this.#away.get(peer)?.sinceMs ?? nowMs);
      if (awayMs > AWAY_MS) yield `I-uplink: ${id} is wanted and has been away for ${awayMs} ms`;
    }
  }

  *#leftBehind(): Generator<string> {
    for (const { id, attempts } of this.#peers) if (attempts.size > 0) yield `I-zero: ${id} is still open`;
  }
}
