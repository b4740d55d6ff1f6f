/**
 * The `push:` driver: pictures come from a publisher (`Gateway.Publish`), one at a time. An attempt here opens nothing; it is
 * the camera's readiness to take pictures, and it is answered as soon as there is a publisher.
 *
 * A publisher is never made to wait. While the camera wants no pictures (nobody watches, or it is between two attempts) the
 * newest one is kept, so that whoever comes next sees something at once even of a device that speaks once a minute; it
 * takes the place of the one before, which is dropped and counted. That a publisher comes later than another is no failure
 * of the attempt: the camera goes on with the newcomer's pictures.
 */
import type { FedSource, Feeder, Intake } from '../gateway/fed-source.js';
import type { Picture } from '../gateway/frame.js';
import { type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { Clock } from '../otp/clock.js';

const LABEL = 'push:';

/** Makes the driver. Throws a `GatewayError` for a URL that says more than `push:`, because nothing would read it. */
export function pushSource(url: URL): FedSource {
  if (url.href !== LABEL) throw new GatewayError('bad_source', 'push: expected nothing behind the colon');
  return new PushSource();
}

class PushSource implements FedSource {
  readonly kind = 'push';
  readonly label = LABEL;
  #attempt: PushAttempt | undefined;
  #intake: PushIntake | undefined;

  open(listener: SourceListener, { clock }: { readonly clock: Clock }): SourceAttempt {
    const attempt = new PushAttempt(listener, clock, {
      ready: () => this.#intake && attempt.begin(this.#intake),
      closed: () => {
        if (this.#attempt === attempt) this.#attempt = undefined;
      },
    });
    this.#attempt = attempt;
    return attempt;
  }

  feed(feeder: Feeder): Intake {
    const before = this.#intake;
    const intake = new PushIntake(feeder, {
      give: (picture) => this.#attempt?.give(picture),
      left: () => {
        this.#intake = undefined;
        this.#attempt?.fail();
      },
    });
    this.#intake = intake;
    before?.replace();
    this.#attempt?.begin(intake);
    return intake;
  }
}

interface AttemptOwner {
  /** The attempt may report from now on. */
  ready(): void;
  closed(): void;
}

class PushAttempt implements SourceAttempt {
  readonly #listener: SourceListener;
  readonly #clock: Clock;
  readonly #owner: AttemptOwner;
  #timer: unknown;
  #phase: 'pending' | 'waiting' | 'open' | 'over' = 'pending';

  constructor(listener: SourceListener, clock: Clock, owner: AttemptOwner) {
    this.#listener = listener;
    this.#clock = clock;
    this.#owner = owner;
    // Nothing is reported before `open` has returned.
    this.#timer = clock.setTimeout(() => {
      this.#phase = 'waiting';
      owner.ready();
    }, 0);
  }

  /** There is a publisher; what it has kept comes first. */
  begin(intake: PushIntake): void {
    if (this.#phase === 'waiting') {
      this.#phase = 'open';
      this.#listener.opened();
    }
    if (this.#phase === 'open') intake.giveKept();
  }

  /** @returns whether the picture became a frame; nothing where no pictures are taken now. */
  give(picture: Picture): boolean | undefined {
    return this.#phase === 'open' ? this.#listener.picture(picture) !== false : undefined;
  }

  /** The publisher has left. Before it was opened, the camera waits for the next. */
  fail(): void {
    if (this.#phase !== 'open') return;
    this.#end();
    this.#listener.failed(new SourceError(`${LABEL} the publisher has left`));
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  #end(): void {
    this.#phase = 'over';
    this.#clock.clearTimeout(this.#timer);
    this.#owner.closed();
  }
}

interface IntakeOwner {
  /** As `PushAttempt.give`. */
  give(picture: Picture): boolean | undefined;
  left(): void;
}

class PushIntake implements Intake {
  readonly #feeder: Feeder;
  readonly #owner: IntakeOwner;
  #kept: Picture | undefined;
  #dropped = 0;
  #over = false;

  constructor(feeder: Feeder, owner: IntakeOwner) {
    this.#feeder = feeder;
    this.#owner = owner;
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(picture: Picture): void {
    if (this.#over) {
      this.#dropped += 1;
      return;
    }
    const taken = this.#owner.give(picture);
    if (taken === undefined) this.#keep(picture);
    else if (!taken) this.#dropped += 1;
  }

  giveKept(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept) this.push(kept);
  }

  leave(): void {
    if (this.#over) return;
    this.#end();
    this.#owner.left();
  }

  /** Another one has the place. */
  replace(): void {
    this.#end();
    this.#feeder.superseded();
  }

  #keep(picture: Picture): void {
    if (this.#kept) this.#dropped += 1;
    this.#kept = picture;
  }

  #end(): void {
    this.#over = true;
    if (this.#kept) this.#dropped += 1;
    this.#kept = undefined;
  }
}
