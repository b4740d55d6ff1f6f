/**
 * Cameras held against their charts, from the outside: pauses between attempts and the one disconnect of each exhausted fast
 * lane, time limits of an attempt, staleness, linger and demand. Everything is told from the clock, the far ends and the
 * chronicle; the camera itself is asked for its state only.
 */
import type { Camera } from '../../src/gateway/camera.js';
import { stateOf } from '../../src/gateway/structure.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import type { Process } from '../../src/otp/process.js';
import { CLOSE_MS_MAX, type SimulatedSource } from './sources.js';
import type { World } from './world.js';

interface Book {
  process: Process | undefined;
  /** Failures since the last picture, or since the last disconnect where nobody may have wanted it meanwhile. */
  failures: number;
  disconnects: number;
  /** When the next attempt is due, after a failure. */
  dueMs: number | undefined;
  /** Since when nobody watches, as far as it was seen. */
  emptySinceMs: number | undefined;
}

type Faults = Generator<string>;

export class CameraLanes {
  readonly #world: World;
  readonly #books = new Map<string, Book>();

  constructor(world: World) {
    this.#world = world;
    world.checks.push(() => this.#faults());
    world.ledger.onFrame.push((id) => {
      const book = this.#bookOf(id);
      book.failures = 0;
      book.disconnects = 0;
    });
    world.tree.live.onEvent((event) => this.#heard(event));
    world.onSource = (source) => {
      source.onOpen = () => this.#opened(source);
    };
  }

  #bookOf(id: string): Book {
    const process = this.#cameraOf(id)?.process;
    const known = this.#books.get(id);
    if (known && (known.process === process || !process)) return known;
    const book = { process, failures: 0, disconnects: 0, dueMs: undefined, emptySinceMs: undefined };
    this.#books.set(id, book);
    return book;
  }

  #cameraOf(id: string): Camera | undefined {
    return this.#world.tree.cameras.all().find((camera) => camera.id === id);
  }

  #heard({ type, detail }: GatewayEvent): void {
    if (type !== 'camera.retrying' && type !== 'camera.disconnected') return;
    const id = String(detail?.['camera']);
    const camera = this.#cameraOf(id);
    if (!camera) return;
    const book = this.#bookOf(id);
    if (type === 'camera.disconnected') this.#disconnected(camera, book);
    else this.#retrying(camera, book, Number(detail?.['delayMs']));
  }

  #disconnected({ id, options, process }: Camera, book: Book): void {
    book.disconnects += 1;
    if (stateOf(process).includes('failing')) {
      // For good, and not told before; whoever begins anew forgets what was.
      if (!options.onDemand && book.disconnects > 1)
        this.#world.breach(`I-lane: camera "${id}" was disconnected twice`);
      Object.assign(book, { failures: 0, disconnects: 0 });
      return;
    }
    // It is told before the retry that it comes with.
    if (book.failures + 1 < options.retry.attempts)
      this.#world.breach(`I-lane: camera "${id}" was disconnected after ${book.failures + 1} failures`);
    if (!options.onDemand && book.disconnects > 1) this.#world.breach(`I-lane: camera "${id}" was disconnected twice`);
    if (options.onDemand) book.failures = -1;
  }

  #retrying({ id, options }: Camera, book: Book, delayMs: number): void {
    const { attempts, delayMs: fastMs, slowMs, slowMaxMs } = options.retry;
    book.failures += 1;
    book.dueMs = this.#world.clock.now() + delayMs;
    // Whether somebody left and came again meanwhile is known only of those who are always on.
    if (options.onDemand) return;
    const slow = Math.min(slowMs * 2 ** (book.failures - attempts), slowMaxMs);
    const [least, most] = book.failures < attempts ? [fastMs, fastMs] : [0.8 * slow - 1, slow];
    if (delayMs < least || delayMs > most)
      this.#world.breach(`I-lane: camera "${id}" pauses ${delayMs} ms after failure ${book.failures}`);
    const due = book.failures >= attempts ? 1 : 0;
    if (book.disconnects !== due)
      this.#world.breach(`I-lane: camera "${id}" was disconnected ${book.disconnects} times at ${book.failures}`);
  }

  #opened({ label }: SimulatedSource): void {
    const id = label.slice(label.indexOf(':') + 1);
    const camera = this.#cameraOf(id);
    const book = this.#bookOf(id);
    const { dueMs } = book;
    book.dueMs = undefined;
    // Somebody has wanted it, however shortly.
    book.emptySinceMs = undefined;
    if (!camera || camera.options.onDemand || dueMs === undefined) return;
    const earlyMs = dueMs - this.#world.clock.now();
    if (earlyMs > 0) this.#world.breach(`I-lane: camera "${id}" tries again ${earlyMs} ms too early`);
  }

  *#faults(): Faults {
    for (const camera of this.#world.tree.cameras.all()) {
      if (!camera.process.alive) continue;
      const state = stateOf(camera.process);
      const book = this.#bookOf(camera.id);
      yield* this.#demand(camera, state, book);
      yield* this.#pause(camera, state, book);
      const source = this.#world.sources.get(camera.options.source);
      if (source) yield* this.#attempt(camera, state, source);
    }
  }

  *#demand({ id, viewers, options }: Camera, state: string, book: Book): Faults {
    if (!options.onDemand) return;
    const nowMs = this.#world.clock.now();
    if (viewers > 0 && /\.(idle|releasing\.unwanted)$/.test(state))
      yield `I-demand: camera "${id}" is ${state} and watched`;
    if (viewers > 0 && state.includes('lingering')) yield `I-demand: camera "${id}" lingers and is watched`;
    book.emptySinceMs = viewers > 0 ? undefined : (book.emptySinceMs ?? nowMs);
    if (book.emptySinceMs === undefined) return;
    // Somebody may have come and gone between two looks.
    const emptyMs = nowMs - Math.max(book.emptySinceMs, this.#world.watchedAtMs.get(id) ?? 0);
    const open = this.#world.sources.get(options.source)?.attempts.size ?? 0;
    if (emptyMs > options.lingerMs && !/(\.(idle|releasing\.unwanted|failing|failed)|^stopping)$/.test(state))
      yield `I-demand: nobody has watched camera "${id}" for ${emptyMs} ms, and it is ${state}`;
    if (emptyMs > options.lingerMs + CLOSE_MS_MAX && open > 0)
      yield `I-demand: nobody has watched camera "${id}" for ${emptyMs} ms, and its source is open`;
  }

  *#pause({ id }: Camera, state: string, { dueMs }: Book): Faults {
    const lateMs = this.#world.clock.now() - (dueMs ?? Number.POSITIVE_INFINITY);
    if (state.endsWith('backingOff') && lateMs > 0)
      yield `I-lane: camera "${id}" should have tried again ${lateMs} ms ago`;
  }

  *#attempt({ id, options }: Camera, state: string, source: SimulatedSource): Faults {
    const { current } = source;
    const nowMs = this.#world.clock.now();
    if (!current) {
      if (state.includes('.live')) yield `I-attempt: camera "${id}" is ${state} and nothing is open`;
      return;
    }
    const { openedAtMs, answeredAtMs, lastPictureAtMs } = current;
    if (state.endsWith('connecting') && nowMs - openedAtMs > options.connectMs)
      yield `I-lane: camera "${id}" has been ${state} for ${nowMs - openedAtMs} ms`;
    if (state.endsWith('awaitingPicture') && nowMs - (answeredAtMs ?? nowMs) > options.firstFrameMs)
      yield `I-lane: camera "${id}" has been ${state} for ${nowMs - (answeredAtMs ?? nowMs)} ms`;
    if (!state.includes('.live') || lastPictureAtMs === undefined) return;
    const silentMs = nowMs - lastPictureAtMs;
    if (state.includes('fresh') && silentMs > options.staleMs)
      yield `I-stale: camera "${id}" is fresh after ${silentMs} ms`;
    if (state.includes('stale') && silentMs < options.staleMs)
      yield `I-stale: camera "${id}" is stale after ${silentMs} ms`;
    if (silentMs > options.staleMs + options.firstFrameMs)
      yield `I-stale: camera "${id}" is ${state} after ${silentMs} ms`;
  }
}
