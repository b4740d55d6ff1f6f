/** An engine whose records are real and whose answers come when the test says so. */
import type { Engine, EngineInfo } from '../../src/cluster/engine.js';
import { RecordStore } from '../../src/cluster/record-store.js';
import type { Clock } from '../../src/otp/clock.js';

export class HeldEngine implements Engine {
  readonly label = 'held';
  readonly messageBytesMax = Number.MAX_SAFE_INTEGER;
  era = 1;
  /** It knows nothing of what it had acknowledged. */
  wentBack = false;
  /** What was acknowledged is not there any more. */
  lostKeys = false;
  readonly #records = new RecordStore(Number.POSITIVE_INFINITY);
  readonly #clock: Clock;
  #asked: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers everything, and what is asked because of the answers. */
  answerAll(): void {
    for (;;) {
      const answer = this.#asked.shift();
      if (!answer) return;
      answer();
    }
  }

  /** What was asked is never answered. */
  forget(): void {
    this.#asked = [];
  }

  get: Engine['get'] = (bucket, key, done) => {
    this.#asked.push(() => {
      const entry = this.lostKeys ? undefined : this.#records.get(bucket, key);
      done({ type: 'read', entry });
    });
  };

  cas: Engine['cas'] = (bucket, key, value, rev, done) => {
    this.#asked.push(() => done(this.#records.cas(bucket, key, value, rev, this.#clock.now())));
  };

  info: Engine['info'] = (done) => {
    this.#asked.push(() => {
      const info: EngineInfo = {
        type: 'info',
        era: this.era,
        lastRev: this.wentBack ? 0 : this.#records.lastRev('own'),
      };
      done(info);
    });
  };

  watch = (): (() => void) => () => {};
  publish = (): void => {};
  subscribe = (): (() => void) => () => {};
  serve = (): (() => void) => () => {};
  onReconnect = (): (() => void) => () => {};
  request: Engine['request'] = (_subject, _body, _timeoutMs, done) => {
    this.#asked.push(() => done({ type: 'no_responders' }));
  };

  async close(): Promise<void> {
    this.forget();
  }
}
