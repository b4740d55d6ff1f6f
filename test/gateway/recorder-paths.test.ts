/**
 * A recorder along every path of `machines/recorder.ts`: the real actor over a camera and a disk that do what the walk says. At
 * no moment are two segments open, and the camera is kept exactly while pictures are wanted.
 */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type DiskLevel, type RecorderContext, type RecorderInput, recorderMachine } from '../../machines/recorder.js';
import { configure } from '../../src/configuration.js';
import type { Camera, FrameConsumer } from '../../src/gateway/camera.js';
import type { Frame } from '../../src/gateway/frame.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import { Recorder, recorderLogic } from '../../src/gateway/recorder.js';
import type { RecordOptions } from '../../src/gateway/recording.js';
import { HeldArchive } from './paths/held-archive.js';
import { isDelay, type ModelEvent, nameOf } from './paths/model.js';
import { type Cause, NEVER_MS, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const MIN_FREE_BYTES = 1_000;
const FREE: Readonly<Record<DiskLevel, number>> = { ample: 10_000, low: 900, scarce: 400, full: 100 };
/** How often the room on the disk is looked at, and how soon a camera that has ended is looked for again. */
const LOOK_MS = 5_000;
/** Longer than all the looks of one way together. */
const REACHED_MS = 200_000;

/** A camera that only has an audience of one. */
class HeldCamera {
  consumer: FrameConsumer | undefined;

  join(consumer: FrameConsumer): () => void {
    expect(this.consumer, 'joined once').toBeUndefined();
    this.consumer = consumer;
    return () => {
      this.consumer = undefined;
    };
  }
}

class RecorderSubject extends Subject {
  readonly #archive = new HeldArchive();
  readonly #camera = new HeldCamera();
  #level: DiskLevel = 'ample';

  constructor(way: readonly ModelEvent[]) {
    super();
    const names = new Set(way.map(nameOf));
    const reached = (name: string) => (names.has(name) ? REACHED_MS : NEVER_MS);
    const record = { dir: '/nowhere', minFreeBytes: MIN_FREE_BYTES };
    const [camera] = configure({ cameras: [{ id: 'front', source: 'held:', staleMs: NEVER_MS, record }] }).cameras as [
      CameraOptions,
    ];
    const recorder = new Recorder({
      camera,
      record: camera.record as RecordOptions,
      archive: this.#archive,
      find: () => this.#camera as unknown as Camera,
      queueBytes: 1_000,
      jitter: 0,
      note: () => {},
    });
    const retryMs = reached('after retryPause');
    const input = { ...recorder.input, retryMs, retryMaxMs: 2 * retryMs, finishMs: reached('after finishTimeout') };
    this.#archive.completing = () =>
      ['rollingOver', 'finishing'].some((state) => this.#attends(state)) ||
      this.#works('pausing') ||
      this.is('stopping');
    this.walksAs(this.start(recorderLogic, { id: 'recorder', input, body: recorder }));
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    if (isDelay(type)) return () => this.#passesInto(type);
    switch (type) {
      case 'archive.opened':
        return this.#works('opening') || this.#works('resuming') ? () => this.#after(this.#archive.done()) : undefined;
      case 'frames.began':
        return this.#attends('idle') || this.#attends('finishing') ? () => this.#arrives() : undefined;
      case 'frames.ceased':
        return this.#camera.consumer && (() => this.#ceases());
      case 'segment.due':
        return this.#attends('recording') ? () => this.#overflows() : undefined;
      case 'segment.closed':
        return this.#archive.completing() || this.#works('failing') ? () => this.#doesItsWork(type) : undefined;
      case 'disk.failed':
        return () => this.#breaks();
      case 'disk.ample':
      case 'disk.low':
      case 'disk.scarce':
      case 'disk.full':
        return this.#turnsInto(type.slice('disk.'.length) as DiskLevel);
      default:
        return undefined;
    }
  }

  override check({ context, status }: AnyMachineSnapshot): void {
    expect((this.snapshot.context as RecorderContext).failures).toBe((context as RecorderContext).failures);
    expect(this.#archive.openSegments.size, 'open segments').toBeLessThanOrEqual(1);
    if (this.#attends('idle') || this.#works('paused') || this.#works('backingOff')) {
      expect(this.#archive.openSegments.size, 'open segments').toBe(0);
    }
    if (!this.#works('attending')) expect(this.#camera.consumer, 'the camera is let go of').toBeUndefined();
    expect(this.process.exit).toBe(status === 'done' ? 'shutdown' : undefined);
  }

  override checkEnd(): void {
    expect(this.#camera.consumer, 'the camera is let go of').toBeUndefined();
    expect(this.#archive.openSegments.size, 'open segments').toBe(0);
  }

  override async end(): Promise<void> {
    this.#archive.broken = false;
    this.#archive.release();
    await super.end();
  }

  #works(work: string): boolean {
    return this.is({ alive: { work } });
  }

  #attends(attending: string): boolean {
    return this.is({ alive: { work: { attending } } });
  }

  async #after(what: Promise<void>): Promise<void> {
    await what;
    await this.settled();
  }

  /** The disk does one thing after the other, until the recorder hears of it. */
  async #doesItsWork(type: string): Promise<void> {
    while (!this.received.includes(type)) await this.#after(this.#archive.done());
  }

  /** A picture comes, no sooner than on a disk that is nearly full; where the camera had ended, it is found again first. */
  async #arrives(): Promise<void> {
    await (this.#camera.consumer ? this.#passes(1_000) : this.#look());
    this.#camera.consumer?.push({ picture: Buffer.from('picture') } as Frame);
    await this.settled();
  }

  #ceases(): void {
    this.#camera.consumer?.cameraEnded('shutdown');
    this.system.flush();
  }

  async #overflows(): Promise<void> {
    this.#archive.fits = false;
    await this.#arrives();
    this.#archive.fits = true;
  }

  /** The disk fails: at what it is doing, or when it is looked at. */
  async #breaks(): Promise<void> {
    if (this.#works('opening') || this.#works('resuming') || this.#archive.completing()) {
      await this.#after(this.#archive.fail());
      return;
    }
    this.#archive.broken = true;
    if (this.#attends('recording')) await this.#arrives();
    else await this.#look();
    this.#archive.broken = false;
  }

  #turnsInto(level: DiskLevel): Cause | undefined {
    if (level === this.#level) return undefined;
    return () => {
      this.#level = level;
      this.#archive.freeBytes = FREE[level];
      return this.#look();
    };
  }

  #look(): Promise<void> {
    return this.#passes(LOOK_MS);
  }

  async #passes(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settled();
  }

  /** Looks at the disk are timers too, and each is over before the next. */
  async #passesInto(type: string): Promise<void> {
    while (!this.received.includes(type)) await this.#look();
  }
}

walkEveryPath('a recorder', {
  machine: recorderMachine,
  size: { states: 101, moves: 574 },
  input: { retryMs: REACHED_MS, retryMaxMs: 2 * REACHED_MS, finishMs: REACHED_MS, jitter: 0 } satisfies RecorderInput,
  events: [
    { type: 'archive.opened' },
    { type: 'frames.began' },
    { type: 'frames.ceased' },
    { type: 'segment.due' },
    { type: 'segment.closed' },
    { type: 'disk.failed' },
    { type: 'disk.ample' },
    { type: 'disk.low' },
    { type: 'disk.scarce' },
    { type: 'disk.full' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: (way) => new RecorderSubject(way),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
