/**
 * Cameras of this node, for the nodes that watch them: each frame once for each watching node, by credit. A node that does not
 * say how far it is gets no more: one frame waits for it, newer ones are dropped and counted under its name, and nobody else
 * notices. Interest that is not said again ends by itself.
 */
import type { Camera } from '../gateway/camera.js';
import type { Frame } from '../gateway/frame.js';
import type { Clock } from '../otp/clock.js';
import type { Engine, Undo } from './engine.js';
import {
  CREDIT_FRAMES,
  framesSubject,
  INTEREST_TTL_MS,
  type Interest,
  interestSubject,
  readInterest,
  writeRelay,
} from './relay-words.js';
import type { Token } from './token.js';

/** The part of an engine that frames go over: a connection of its own, so that a slow reader does not take the lease with it. */
export type Media = Pick<Engine, 'publish' | 'subscribe' | 'messageBytesMax'>;

export interface RelaySenderParts {
  readonly node: string;
  readonly inc: () => number;
  /** Who may not act says nothing of its cameras either. */
  readonly mayAct: () => boolean;
  readonly media: Media;
  readonly clock: Clock;
  /** A camera of this node's own; undefined where it has none of this id. */
  readonly camera: (id: string) => Pick<Camera, 'join'> | undefined;
  /** The token under which this node has its source open, where the camera is a key. */
  readonly token?: (camera: string) => Token | undefined;
  /** Another node that holds this camera: whoever wants it goes there, and frames do not cross twice. */
  readonly elsewhere?: (camera: string) => string | undefined;
  /** A node has begun to be too slow. */
  readonly onSlow: (camera: string, node: string) => void;
}

/** How much went to one node of one camera. */
export interface RelayView {
  readonly camera: string;
  readonly node: string;
  readonly sent: number;
  /** For want of credit, or too big for the engine. */
  readonly dropped: number;
}

/** Frames beside their picture take so much at most. Bytes. */
const HEAD_BYTES_MAX = 1_024;

export class RelaySender {
  readonly #parts: RelaySenderParts;
  readonly #streams = new Map<string, Stream>();
  readonly #undo: Undo;
  readonly #timer: { id: unknown } = { id: undefined };
  /** The highest number of the streams that are over: what is still on its way is older than what another one begins with. */
  #highest = 0;

  constructor(parts: RelaySenderParts) {
    this.#parts = parts;
    this.#undo = parts.media.subscribe(interestSubject(parts.node), (packed) => {
      const interest = readInterest(packed);
      if (interest) this.#heard(interest);
    });
    this.#sweepLater();
  }

  views(): readonly RelayView[] {
    return [...this.#streams.values()].map((stream) => stream.view());
  }

  /** That node has gone. */
  nodeGone(node: string): void {
    for (const [name, stream] of this.#streams) if (stream.interest.node === node) this.#end(name);
  }

  /** This camera comes from that node itself from now on. */
  moved(camera: string, to: string): void {
    for (const [name, { interest }] of this.#streams) if (interest.camera === camera) this.#end(name, heldBy(to));
  }

  close(): void {
    this.#undo();
    this.#parts.clock.clearTimeout(this.#timer.id);
    for (const name of [...this.#streams.keys()]) this.#end(name, 'this gateway is going away');
  }

  #heard(interest: Interest): void {
    const name = `${interest.node} ${interest.camera}`;
    const known = this.#streams.get(name);
    if (known?.interest.stream === interest.stream) {
      if (interest.stop) this.#end(name);
      else known.heard(interest.got);
      return;
    }
    if (interest.stop) return;
    // Another attempt of the same node: the one before is over.
    if (known) this.#end(name);
    const camera = this.#parts.mayAct() ? this.#parts.camera(interest.camera) : undefined;
    const stream = new Stream(this.#parts, interest, this.#highest, () => this.#forget(name));
    const holder = this.#parts.elsewhere?.(interest.camera);
    if (!camera || holder !== undefined) {
      stream.say({ type: 'ended', why: holder === undefined ? 'that gateway has no such camera' : heldBy(holder) });
      return;
    }
    this.#streams.set(name, stream);
    stream.begin(camera);
  }

  #end(name: string, why?: string): void {
    const stream = this.#streams.get(name);
    this.#forget(name);
    stream?.end(why);
  }

  #forget(name: string): void {
    this.#highest = Math.max(this.#highest, this.#streams.get(name)?.highest ?? 0);
    this.#streams.delete(name);
  }

  #sweepLater(): void {
    const { clock } = this.#parts;
    this.#timer.id = clock.setTimeout(() => {
      for (const [name, stream] of this.#streams) {
        if (clock.now() - stream.heardMs > INTEREST_TTL_MS) this.#end(name);
      }
      this.#sweepLater();
    }, INTEREST_TTL_MS / 2);
  }
}

function heldBy(node: string): string {
  return `it is held by ${node}`;
}

type Said = { readonly type: 'watching' } | { readonly type: 'ended'; readonly why: string };

class Stream {
  readonly interest: Interest;
  heardMs: number;
  readonly #parts: RelaySenderParts;
  readonly #subject: string;
  readonly #onEnded: () => void;
  /** Numbers go on behind what that node has, and what was sent before: a stream that was forgotten here may be asked for again. */
  readonly #before: number;
  #leave: () => void = () => {};
  #sent = 0;
  #acked = 0;
  /** How far it was when it was heard of the time before. */
  #ackedBefore = -1;
  #dropped = 0;
  #slow = false;
  #pending: Frame | undefined;
  #over = false;

  constructor(parts: RelaySenderParts, interest: Interest, highest: number, onEnded: () => void) {
    this.#parts = parts;
    this.interest = interest;
    this.heardMs = parts.clock.now();
    this.#subject = framesSubject(interest.node, interest.camera);
    this.#before = Math.max(interest.got, highest);
    this.#onEnded = onEnded;
  }

  get highest(): number {
    return this.#before + this.#sent;
  }

  begin(camera: Pick<Camera, 'join'>): void {
    this.say({ type: 'watching' });
    this.#leave = camera.join({
      push: (frame) => this.#push(frame),
      cameraEnded: () => {
        this.#onEnded();
        this.end('the camera has ended');
      },
    });
  }

  heard(got: number): void {
    this.heardMs = this.#parts.clock.now();
    this.#acked = Math.max(this.#acked, Math.min(got - this.#before, this.#sent));
    // All that was on its way was lost, as when a connection is: it would never be acknowledged.
    if (this.#acked < this.#sent && this.#acked === this.#ackedBefore) this.#acked = this.#sent;
    this.#ackedBefore = this.#acked;
    const pending = this.#pending;
    if (pending === undefined || !this.#hasCredit) return;
    this.#pending = undefined;
    // What it waited for may have taken the right to send it with it.
    if (this.#parts.mayAct()) this.#send(pending);
    else this.#dropped += 1;
  }

  say(said: Said): void {
    const { stream } = this.interest;
    this.#parts.media.publish(this.#subject, writeRelay({ ...said, stream, inc: this.#parts.inc() }));
  }

  end(why?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = undefined;
    this.#leave();
    if (why !== undefined) this.say({ type: 'ended', why });
  }

  view(): RelayView {
    const { camera, node } = this.interest;
    return { camera, node, sent: this.#sent, dropped: this.#dropped };
  }

  get #hasCredit(): boolean {
    return this.#sent - this.#acked < CREDIT_FRAMES;
  }

  #push(frame: Frame): void {
    if (this.#over || !this.#parts.mayAct()) return;
    if (this.#hasCredit) {
      this.#slow = false;
      this.#send(frame);
    } else if (this.#pending === undefined) this.#pending = frame;
    else this.#drop();
  }

  #send({ timestampMs, contentType, key, picture }: Frame): void {
    const { media, inc, token } = this.#parts;
    if (picture.length + HEAD_BYTES_MAX > media.messageBytesMax) {
      this.#drop();
      return;
    }
    this.#sent += 1;
    const { stream, camera } = this.interest;
    const rights = { inc: inc(), token: token?.(camera) };
    const head = { type: 'frame', stream, ...rights, n: this.highest, timestampMs, contentType, key } as const;
    media.publish(this.#subject, writeRelay(head, picture));
  }

  #drop(): void {
    this.#dropped += 1;
    if (this.#slow) return;
    this.#slow = true;
    this.#parts.onSlow(this.interest.camera, this.interest.node);
  }
}
