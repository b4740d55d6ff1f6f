/** An engine in memory that can be made anew under its users, and whose watch of one bucket can stand still. */
import type { Bucket, Engine, Undo } from '../../src/cluster/engine.js';
import type { MemoryHub } from '../../src/cluster/memory-engine.js';

export class MovingEngine implements Engine {
  readonly label = 'moving';
  readonly messageBytesMax = Number.MAX_SAFE_INTEGER;
  readonly #still: Bucket | undefined;
  /** What was asked for once and goes on, asked again of each new engine. */
  readonly #lasting = new Set<{ readonly begin: (engine: Engine) => Undo; end: Undo }>();
  #engine: Engine;

  /** @param still of this bucket no change is told. */
  constructor(hub: MemoryHub, still?: Bucket) {
    this.#engine = hub.connect();
    this.#still = still;
  }

  /** All records are lost; messages go on. */
  async moveTo(hub: MemoryHub): Promise<void> {
    const old = this.#engine;
    this.#engine = hub.connect();
    for (const one of this.#lasting) one.end = one.begin(this.#engine);
    await old.close();
  }

  get: Engine['get'] = (...asked) => this.#engine.get(...asked);
  cas: Engine['cas'] = (...asked) => this.#engine.cas(...asked);
  info: Engine['info'] = (done) => this.#engine.info(done);
  publish: Engine['publish'] = (...said) => this.#engine.publish(...said);
  request: Engine['request'] = (...asked) => this.#engine.request(...asked);
  subscribe: Engine['subscribe'] = (...asked) => this.#lasts((engine) => engine.subscribe(...asked));
  serve: Engine['serve'] = (...asked) => this.#lasts((engine) => engine.serve(...asked));
  onReconnect: Engine['onReconnect'] = (told) => this.#lasts((engine) => engine.onReconnect(told));
  watch: Engine['watch'] = (bucket, onEntry) =>
    bucket === this.#still ? () => {} : this.#lasts((engine) => engine.watch(bucket, onEntry));

  close(): Promise<void> {
    return this.#engine.close();
  }

  #lasts(begin: (engine: Engine) => Undo): Undo {
    const one = { begin, end: begin(this.#engine) };
    this.#lasting.add(one);
    return () => {
      this.#lasting.delete(one);
      one.end();
    };
  }
}
