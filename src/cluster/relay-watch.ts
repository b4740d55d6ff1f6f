/**
 * Cameras of other nodes, as sources for this one: a camera here over such a source has its own chart, viewers and queues as
 * any other, and the frames cross once however many watch. Each attempt finds anew which node has the camera; it says its
 * interest again and again, acknowledges every fourth frame, and takes frames of its own stream only, from no incarnation and under
 * no token that is older than one it has heard.
 */
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import type { Undo } from './engine.js';
import { TokenReceiver } from './receiver.js';
import type { Media } from './relay-send.js';
import {
  ACK_EVERY,
  framesSubject,
  INTEREST_MS,
  interestSubject,
  type RelayHead,
  readRelay,
  writeInterest,
} from './relay-words.js';

export interface RelayWay {
  readonly node: string;
  readonly inc: () => number;
  readonly media: Media;
  /** The node that has this camera and is heard; undefined: nobody. */
  readonly nodeOf: (camera: string) => string | undefined;
}

export class RelayWatcher {
  readonly #receiver = new TokenReceiver();
  readonly #attempts = new Set<Attempt>();
  #way: RelayWay | undefined;
  #opened = 0;

  /** From now on the others are reached this way; `undefined`: not at all. */
  reachedBy(way: RelayWay | undefined): void {
    this.#way = way;
    if (way) return;
    for (const attempt of [...this.#attempts]) attempt.fail('this gateway is in no cluster at the moment');
  }

  /** The node that has this camera and is heard. */
  nodeOf(camera: string): string | undefined {
    return this.#way?.nodeOf(camera);
  }

  /** That node has gone, or is not heard: whatever comes from there is over. */
  nodeGone(node: string): void {
    for (const attempt of [...this.#attempts])
      if (attempt.owner === node) attempt.fail(`noconnection: ${node} is gone`);
  }

  /** Frames of gateways that had lost their right to send them. */
  get refused(): number {
    return this.#receiver.refused;
  }

  #admits(sender: string, camera: string, head: RelayHead): boolean {
    if (!this.#receiver.admits(sender, { era: 0, rev: head.inc })) return false;
    const token = head.type === 'frame' ? head.token : undefined;
    return token === undefined || this.#receiver.admits(`camera ${camera}`, token);
  }

  /** A camera of another node; which one, each attempt finds out. */
  source(camera: string): FrameSource {
    return {
      kind: 'node',
      label: `node:${camera}`,
      open: (listener, { clock }) => this.open(camera, this.nodeOf(camera), listener, clock),
    };
  }

  /** What that node has of this camera. */
  open(camera: string, owner: string | undefined, listener: SourceListener, clock: Clock): SourceAttempt {
    const way = this.#way;
    if (!way || owner === undefined) return failing(listener, clock, `no other gateway has the camera "${camera}"`);
    this.#opened += 1;
    const attempt: Attempt = new Attempt({
      way,
      owner,
      camera,
      listener,
      clock,
      stream: `${way.node}/${way.inc()}/${this.#opened}`,
      admits: (head) => this.#admits(`${owner} ${camera}`, camera, head),
      onOver: () => this.#attempts.delete(attempt),
    });
    this.#attempts.add(attempt);
    return attempt;
  }
}

interface AttemptParts {
  readonly way: RelayWay;
  readonly owner: string;
  readonly camera: string;
  readonly listener: SourceListener;
  readonly clock: Clock;
  readonly stream: string;
  readonly admits: (head: RelayHead) => boolean;
  readonly onOver: () => void;
}

class Attempt implements SourceAttempt {
  readonly #parts: AttemptParts;
  readonly #undo: Undo;
  #timer: unknown;
  #got = 0;
  #over = false;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
    const { way, camera } = parts;
    this.#undo = way.media.subscribe(framesSubject(way.node, camera), (packed) => this.#take(packed));
    this.#sayInterest();
  }

  get owner(): string {
    return this.#parts.owner;
  }

  fail(why: string): void {
    if (this.#over) return;
    this.#end();
    this.#parts.listener.failed(new SourceError(why));
  }

  async close(): Promise<void> {
    if (!this.#over) this.#end();
  }

  #take(packed: Uint8Array): void {
    const got = readRelay(packed);
    if (this.#over || !got || got.head.stream !== this.#parts.stream || !this.#parts.admits(got.head)) return;
    const { head, picture } = got;
    switch (head.type) {
      case 'watching':
        this.#parts.listener.opened();
        break;
      case 'ended':
        this.fail(`${this.owner}: ${head.why}`);
        break;
      case 'frame': {
        // Overtaken on its way: a viewer's time does not go back.
        if (head.n <= this.#got) break;
        const acked = Math.floor(this.#got / ACK_EVERY);
        this.#got = head.n;
        if (Math.floor(this.#got / ACK_EVERY) > acked) this.#say(false);
        const { contentType, timestampMs, key } = head;
        // The engine's buffer may be used again: the picture is ours from here on.
        this.#parts.listener.picture({ contentType, timestampMs, key, data: Buffer.from(picture) });
      }
    }
  }

  #sayInterest(): void {
    this.#say(false);
    this.#timer = this.#parts.clock.setTimeout(() => this.#sayInterest(), INTEREST_MS);
  }

  #say(stop: boolean): void {
    const { way, owner, camera, stream } = this.#parts;
    const interest = { camera, node: way.node, stream, got: this.#got, stop };
    way.media.publish(interestSubject(owner), writeInterest(interest));
  }

  #end(): void {
    this.#over = true;
    this.#say(true);
    this.#parts.clock.clearTimeout(this.#timer);
    this.#undo();
    this.#parts.onOver();
  }
}

/** An attempt that fails in its turn: a source never reports before it has returned. */
function failing(listener: SourceListener, clock: Clock, why: string): SourceAttempt {
  const timer = clock.setTimeout(() => listener.failed(new SourceError(why)), 0);
  return { close: async () => clock.clearTimeout(timer) };
}
