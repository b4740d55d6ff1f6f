/**
 * A camera along every path of `machines/camera.ts`: the real actor over a source that answers, fails and closes when the
 * walk says so. Every attempt is watched: there is never a second one before the first is gone.
 */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type CameraContext, type CameraInput, cameraMachine } from '../../machines/camera.js';
import { configure } from '../../src/configuration.js';
import { Camera, cameraLogic, type FrameConsumer } from '../../src/gateway/camera.js';
import { SourceError } from '../../src/gateway/frame-source.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import { Turn } from '../../src/gateway/turn.js';
import { HeldSource } from './paths/held-source.js';
import { isDelay, type ModelEvent, nameOf } from './paths/model.js';
import { type Cause, NEVER_MS, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const retry = { attempts: 2, delayMs: 10, slowMs: 20, slowMaxMs: 40 };

/** Somebody who watches, and leaves when told that there is no more to see. */
class Watcher implements FrameConsumer {
  readonly #leave: () => void;

  constructor(camera: Camera, left: () => void) {
    const undo = camera.join(this);
    this.#leave = () => {
      undo();
      left();
    };
  }

  push(): void {}

  cameraEnded(): void {
    this.#leave();
  }

  leave(): void {
    this.#leave();
  }
}

class CameraSubject extends Subject {
  readonly #source = new HeldSource();
  readonly #camera: Camera;
  #watcher: Watcher | undefined;
  #disconnects = 0;
  /** Counted by the model's rule: the failure that spends the fast lane announces it, once its attempt is gone. */
  #expectedDisconnects = 0;

  /** Each time is out of reach, unless the way leads through it. */
  constructor(way: readonly ModelEvent[]) {
    super();
    const names = new Set(way.map(nameOf));
    const reached = (ms: number, ...events: readonly string[]) =>
      events.some((name) => names.has(name)) ? ms : NEVER_MS;
    const [options] = configure({
      cameras: [
        {
          id: 'front',
          source: 'held:',
          retry,
          staleMs: reached(300, 'pictures.ceased'),
          connectMs: reached(500, 'after connectTimeout'),
          firstFrameMs: reached(2_000, 'after firstFrameTimeout', 'after staleLimit'),
          lingerMs: reached(1_000, 'after linger'),
        },
      ],
    }).cameras as [CameraOptions];
    this.#camera = new Camera({
      turn: new Turn(),
      options,
      source: this.#source,
      encode: () => Buffer.alloc(100),
      jitter: 0,
      note: (type) => {
        if (type === 'camera.disconnected') this.#disconnects += 1;
      },
    });
    this.walksAs(this.start(cameraLogic, { id: 'camera', input: this.#camera.input, body: this.#camera }));
  }

  protected override causeOf({ type, final }: ModelEvent): Cause | undefined {
    const { current } = this.#source;
    const opening = this.is({ alive: 'opening' });
    const fresh = this.is({ alive: { live: { pictures: 'fresh' } } });
    const stale = this.is({ alive: { live: { pictures: 'stale' } } });
    const stopping = this.is('stopping');
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'demand.began':
        return this.#watcher || stopping ? undefined : () => this.#watch();
      case 'demand.ended':
        return this.#watcher && !stopping ? () => this.#unwatch() : undefined;
      case 'source.opened':
        return current && (() => current.listener.opened());
      case 'source.delivered':
        return opening ? () => this.#source.picture() : undefined;
      case 'source.failed':
        return (
          current && (() => this.#source.fail(new SourceError('the source has failed', { final: final as boolean })))
        );
      case 'pictures.ceased':
        return fresh ? () => this.advanceTo(type) : undefined;
      case 'pictures.resumed':
        return stale ? () => this.#source.picture() : undefined;
      case 'attempt.closed':
        return this.#closing ? () => this.#finish() : undefined;
      default:
        return undefined;
    }
  }

  override check({ context, value, status }: AnyMachineSnapshot): void {
    const { failures } = context as CameraContext;
    expect((this.snapshot.context as CameraContext).failures).toBe(failures);
    expect(this.#source.alive.length, 'attempts alive').toBeLessThanOrEqual(1);
    const open = this.is({ alive: 'opening' }) || this.is({ alive: 'live' });
    expect(this.#source.current !== undefined, 'an attempt is open').toBe(open);
    expect(this.system.census.count('source'), 'sources held or closing').toBe(this.#source.alive.length);
    expect(this.#disconnects, 'announced disconnects').toBe(this.#expectedDisconnects);
    if (this.is({ alive: 'failed' }) || value === 'stopping') expect(this.#camera.viewers, 'viewers').toBe(0);
    expect(this.process.exit).toBe(status === 'done' ? 'shutdown' : undefined);
  }

  override checkEnd(): void {
    expect(
      this.#source.attempts.every(({ closing }) => closing),
      'every attempt was closed',
    ).toBe(true);
    expect(this.#camera.viewers, 'viewers').toBe(0);
  }

  override async end(): Promise<void> {
    const ended = super.end();
    for (const attempt of this.#source.alive) attempt.finish();
    await ended;
  }

  get #closing(): boolean {
    return ['recovering', 'releasing', 'failing'].some((state) => this.is({ alive: state })) || this.is('stopping');
  }

  #watch(): void {
    this.#watcher = new Watcher(this.#camera, () => {
      this.#watcher = undefined;
    });
    this.system.flush();
  }

  #unwatch(): void {
    this.#watcher?.leave();
    this.system.flush();
  }

  /** The attempt is gone. Where there was none, the camera has told itself so already, and the message is delivered. */
  #finish(): void | Promise<void> {
    const { failures } = this.snapshot.context as CameraContext;
    const first = this.is({ alive: 'failing' }) && failures < retry.attempts;
    if (first || (this.is({ alive: 'recovering' }) && failures === retry.attempts)) this.#expectedDisconnects += 1;
    const [attempt] = this.#source.alive;
    if (!attempt) return this.system.flush();
    attempt.finish();
    return this.settled();
  }
}

walkEveryPath('a camera', {
  machine: cameraMachine,
  size: { states: 53, moves: 179 },
  input: {
    connectMs: 500,
    firstFrameMs: 2_000,
    lingerMs: 1_000,
    staleLimitMs: 2_000,
    closeMs: 5_000,
    retry,
    jitter: 0,
  } satisfies CameraInput,
  events: [
    { type: 'demand.began' },
    { type: 'demand.ended' },
    { type: 'source.opened' },
    { type: 'source.delivered' },
    { type: 'source.failed', final: false },
    { type: 'source.failed', final: true },
    { type: 'pictures.ceased' },
    { type: 'pictures.resumed' },
    { type: 'attempt.closed' },
    { type: 'camera.retry' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: (way) => new CameraSubject(way),
  injected: {
    'camera.retry': 'nothing in this version asks for it; a restart of the actor does the same',
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
