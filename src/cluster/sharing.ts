/**
 * What a gateway shares with the others beside keys: what its clients provide, the questions put to them, and what is published.
 * Each node offers by one record of its own in the bucket `services`, written by compare-and-swap a moment after something
 * has changed. The offers of the others count as long as the lease of the incarnation that made them stands and their node
 * is heard; they are read again in turn, because a watch may lag.
 */
import type { NeighbourAnswer, Neighbourhood, Neighbours } from '../gateway/neighbours.js';
import type { Question } from '../gateway/services.js';
import type { Clock } from '../otp/clock.js';
import { Beats } from './beats.js';
import type { Undo } from './engine.js';
import type { ClusterNode } from './node.js';
import { type Offer, writeOffer } from './offer.js';
import { packParts, unpackParts } from './parts.js';
import { Whereabouts } from './whereabouts.js';

/** Changes within this time are written as one. Milliseconds. */
const DEBOUNCE_MS = 20;
/** What the engine did not take is tried again so much later. Milliseconds. */
const RETRY_MS = 500;

export interface SharingParts {
  readonly node: ClusterNode;
  readonly clock: Clock;
  readonly neighbours: Neighbours;
  /** Of this node's own. */
  readonly cameras?: () => readonly string[];
  /** Names that had no room in this node's offer. */
  readonly onCut?: (names: number) => void;
  /** That node is gone, or not heard. */
  readonly onGone?: (node: string) => void;
  /** What the others offer may have changed. */
  readonly onReconciled?: () => void;
}

export class Sharing implements Neighbourhood {
  readonly #parts: SharingParts;
  readonly #whereabouts: Whereabouts;
  readonly #beats: Beats;
  #undo: Undo[] = [];
  #timer: unknown;
  #writing = false;
  #lastRead = '';
  /** In which what is known was read. */
  #era = 0;
  #closed = false;

  constructor(parts: SharingParts) {
    this.#parts = parts;
    this.#whereabouts = new Whereabouts({ keepMs: parts.node.options.ttlMs });
    this.#beats = new Beats(parts.clock);
  }

  start(): void {
    const { node, neighbours } = this.#parts;
    const { engine, name } = node;
    this.#undo = [
      engine.watch('services', ({ key, value, rev }) => this.#see(key, value, rev)),
      engine.subscribe('topics', (packed) => {
        const { head, body } = unpackParts(packed);
        if (head['from'] !== name && typeof head['topic'] === 'string') neighbours.heard(head['topic'], body);
      }),
      node.serve('ask', (packed, reply) => this.#asked(packed, reply)),
    ];
    this.#beats.every('resync', node.options.resyncMs, () => this.#resync());
    neighbours.reachedBy(this);
  }

  close(): void {
    this.#closed = true;
    this.#parts.neighbours.reachedBy(undefined);
    this.#beats.stop();
    this.#parts.clock.clearTimeout(this.#timer);
    for (const undo of this.#undo) undo();
    this.#undo = [];
  }

  // What the gateway asks for

  ask(to: string, { procedure, payload, timeoutMs }: Question, answer: (answer: NeighbourAnswer) => void): void {
    const { node } = this.#parts;
    const packed = packParts({ from: node.name, procedure, timeoutMs }, payload);
    const { messageBytesMax } = node.engine;
    if (packed.length > messageBytesMax) {
      const message = `expected a payload that fits into ${messageBytesMax} bytes, what the engine takes, got ${payload.length}`;
      queueMicrotask(() => answer({ type: 'failed', code: 'message_too_large', message }));
      return;
    }
    node.call(to, 'ask', packed, timeoutMs, (got) => {
      // `unknown`: it may be answered there and have been lost here. The time of the call is over soon, and says so.
      if (this.#closed || got.type === 'unknown') return;
      answer(got.type === 'answered' ? readAnswer(got.body) : { type: 'refused' });
    });
  }

  publish(topic: string, payload: Uint8Array): void {
    const { node } = this.#parts;
    if (this.#parts.neighbours.size === 0) return;
    node.engine.publish('topics', packParts({ from: node.name, topic }, payload));
  }

  changed(): void {
    this.#writeAfter(DEBOUNCE_MS);
  }

  /** Who is there, and with what. Called whenever that may have changed. */
  reconcile(): void {
    const { node, neighbours } = this.#parts;
    if (this.#closed) return;
    this.#followEra();
    const members = node.members();
    for (const { node: other, inc, state } of members) {
      if (other === node.name) continue;
      if (state !== 'up') this.#gone(other);
      else {
        this.#whereabouts.present(other, inc);
        neighbours.present(other, this.#whereabouts.offeredBy(other)?.procedures ?? []);
      }
    }
    const names = new Set(members.map((member) => member.node));
    for (const other of neighbours.nodes()) if (!names.has(other)) this.#gone(other);
    this.#parts.onReconciled?.();
    // A new incarnation offers anew.
    if (this.#whereabouts.standing(node.name)?.offer?.inc !== node.inc) this.changed();
  }

  /** What was read in another era is compared with nothing: there revisions began at another place. */
  #followEra(): void {
    const { node } = this.#parts;
    if (node.era === this.#era) return;
    const first = this.#era === 0;
    this.#era = node.era;
    if (first) return;
    this.#whereabouts.clear();
    for (const { node: member } of node.members()) this.#readAgain(member);
  }

  #gone(node: string): void {
    this.#parts.neighbours.gone(node);
    if (this.#whereabouts.gone(node)) this.#parts.onGone?.(node);
  }

  #asked(packed: Uint8Array, reply: (body: Uint8Array) => void): void {
    const { head, body: payload } = unpackParts(packed);
    const { from, procedure, timeoutMs } = head;
    if (typeof from !== 'string' || typeof procedure !== 'string' || typeof timeoutMs !== 'number') return;
    this.#parts.neighbours.asked(from, { procedure, payload, timeoutMs }, (answer) => {
      if (this.#closed) return;
      const { type } = answer;
      if (type === 'answered') reply(this.#fitting(packParts({ type }, answer.payload)));
      else reply(packParts({ ...answer }, new Uint8Array()));
    });
  }

  /** An answer that the engine would not take becomes one that says so. */
  #fitting(packed: Uint8Array): Uint8Array {
    const { messageBytesMax } = this.#parts.node.engine;
    if (packed.length <= messageBytesMax) return packed;
    const message = `expected an answer that fits into ${messageBytesMax} bytes, what the engine takes, got ${packed.length}`;
    return packParts({ type: 'failed', code: 'message_too_large', message }, new Uint8Array());
  }

  /** What that node offers now, as far as is known. Of this node itself: what stands in its record. */
  offerOf(node: string): Offer | undefined {
    if (node === this.#parts.node.name) return this.#whereabouts.standing(node)?.offer;
    return this.#whereabouts.offeredBy(node);
  }

  /** The node that has this camera and is heard. */
  nodeOf(camera: string): string | undefined {
    return this.#whereabouts.find('cameras', camera)[0];
  }

  #see(name: string, value: string | undefined, rev: number): void {
    if (this.#whereabouts.see(name, value, rev, this.#parts.clock.now())) this.reconcile();
  }

  /** One record is read again, in turn, and what the dead have left is taken away. */
  #resync(): void {
    const { node, clock } = this.#parts;
    if (node.state !== 'up') return;
    const members = new Map(node.members().map((member) => [member.node, member.inc]));
    for (const { node: dead, rev } of this.#whereabouts.prune(members, clock.now())) {
      node.engine.cas('services', dead, '', rev, () => {});
    }
    const names = [...members.keys()];
    this.#lastRead = names[(names.indexOf(this.#lastRead) + 1) % Math.max(1, names.length)] ?? '';
    if (this.#lastRead !== '') this.#readAgain(this.#lastRead);
    // Cameras come and go without a word.
    this.changed();
    this.reconcile();
  }

  #readAgain(name: string, done?: () => void): void {
    const era = this.#era;
    this.#parts.node.engine.get('services', name, (answer) => {
      if (this.#closed) return;
      if (era !== this.#era) {
        // Of the engine before: nothing can be compared with it.
      } else if (answer.type === 'read' && answer.entry) this.#see(name, answer.entry.value, answer.entry.rev);
      else if (answer.type === 'read') this.#whereabouts.missing(name);
      done?.();
    });
  }

  #writeAfter(ms: number): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, ms);
  }

  #write(): void {
    const { node, neighbours, cameras, onCut } = this.#parts;
    // Who has not joined offers nothing; joining tells us to.
    if (node.state !== 'up' || this.#writing) return;
    const procedures = new Set(neighbours.ownProcedures());
    const { value, cut } = writeOffer({ inc: node.inc, procedures, cameras: new Set(cameras?.()) });
    const standing = this.#whereabouts.standing(node.name);
    if (standing?.value === value) return;
    if (cut > 0) onCut?.(cut);
    this.#writing = true;
    node.engine.cas('services', node.name, value, standing?.rev ?? 0, (answer) => {
      this.#writing = false;
      if (this.#closed) return;
      if (answer.type === 'written') {
        this.#see(node.name, value, answer.rev);
        // What has changed meanwhile.
        this.#writeAfter(DEBOUNCE_MS);
      } else this.#readAgain(node.name, () => this.#writeAfter(RETRY_MS));
    });
  }
}

function readAnswer(packed: Uint8Array): NeighbourAnswer {
  const { head, body: payload } = unpackParts(packed);
  const { type, code, message } = head;
  if (type === 'answered') return { type, payload };
  if (type === 'failed' && typeof code === 'string' && typeof message === 'string') return { type, code, message };
  return { type: 'refused' };
}
