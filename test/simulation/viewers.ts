/** Those who watch cameras, as clients or over HTTP, and what happens at the cameras' far ends. */
import { isOverflowPolicy } from '../../src/flow/outbox.js';
import { Deliveries, type Viewing } from './deliveries.js';
import { CAMERAS, EXTRA } from './settings.js';
import type { Stage } from './stage.js';
import { NODES } from './visitors.js';
import { SimulatedFrames } from './wires.js';
import type { Ask, Watch } from './world.js';

interface Request {
  readonly cameraId: string;
  readonly overflow: string;
  readonly maxFps: number;
}

export class Viewers {
  readonly #stage: Stage;
  readonly #deliveries: Deliveries;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#deliveries = new Deliveries(stage.world);
  }

  watch(): void {
    const nodeId = this.#stage.dice.chance(0.25) ? undefined : (this.#stage.dice.pick([...NODES, 'fay']) ?? '');
    const ask = this.#stage.newAsk(`watch-${nodeId ?? 'nobody'}`);
    const request = this.#request();
    const viewing = this.#newViewing(ask, request);
    this.#stage.note(`${ask.label} watches ${request.cameraId}`);
    this.#await(viewing, this.#stage.world.tree.live.watch(request, nodeId, viewing.wire));
  }

  view(): void {
    const ask = this.#stage.newAsk('view');
    const request = this.#request();
    const viewing = this.#newViewing(ask, request);
    this.#stage.note(`${ask.label} views ${request.cameraId}`);
    this.#await(viewing, this.#stage.world.tree.live.view(request, viewing.wire));
  }

  #await(viewing: Viewing, answer: Promise<unknown>): void {
    this.#stage.world.ask(viewing.watch, answer, (stream) => {
      viewing.watch.stream = stream as Watch['stream'];
      this.#stage.world.watchedAtMs.set(viewing.cameraId, this.#stage.world.clock.now());
      this.#deliveries.begun(viewing);
    });
  }

  #newViewing(ask: Ask, { cameraId, overflow, maxFps }: Request): Viewing {
    const { world } = this.#stage;
    const wire = new SimulatedFrames(ask.label, world.breach, this.#stage.reading(), world.clock);
    const watch: Watch = { ...ask, wire, stream: undefined };
    world.watches.push(watch);
    const byDefault = world.options.cameras.find(({ id }) => id === cameraId)?.overflow ?? 'drop_oldest';
    const policy = isOverflowPolicy(overflow) ? overflow : byDefault;
    return this.#deliveries.add({ watch, wire, cameraId, policy, paced: maxFps > 0 });
  }

  #request(): Request {
    const overflow = this.#stage.dice.weighted({
      '': 4,
      drop_oldest: 1,
      drop_newest: 1,
      latest: 1,
      block: 0.3,
      disconnect: 1,
    });
    const cameraId = this.#stage.dice.pick([...CAMERAS, EXTRA]) ?? '';
    return { cameraId, overflow, maxFps: this.#stage.dice.chance(0.2) ? 1 : 0 };
  }

  snapshot(): void {
    const cameraId = this.#stage.dice.pick(CAMERAS) ?? '';
    const ask = this.#stage.newAsk(`snapshot-${cameraId}`);
    this.#stage.note(`${ask.label} is asked for`);
    this.#stage.world.watchedAtMs.set(cameraId, this.#stage.world.clock.now());
    const timeoutMs = this.#stage.dice.int(1, 8_000);
    const answer = async () => this.#stage.world.tree.live.snapshot(cameraId, timeoutMs);
    this.#stage.world.ask(ask, answer(), () => {});
  }

  leave(): void {
    const watch = this.#stage.dice.pick(this.#stage.world.watches.filter(({ stream }) => stream?.alive));
    if (!watch?.stream) return;
    const how = this.#stage.dice.weighted({ cancel: 4, halfClose: 2, fail: 1, deadline: 1 });
    this.#stage.note(`${watch.label}: ${how}`);
    const viewing = this.#deliveries.of(watch);
    const atMs = this.#stage.world.clock.now();
    if (viewing && viewing.left?.how !== 'now')
      viewing.left = how === 'halfClose' ? (viewing.left ?? { how, atMs }) : { how: 'now', atMs };
    if (how === 'cancel') watch.stream.peerCancelled();
    else if (how === 'halfClose') watch.stream.peerHalfClosed();
    else if (how === 'deadline') watch.stream.deadlineExceeded();
    else watch.stream.failed(new Error('simulated: connection reset'));
  }

  disturb(): void {
    const what = this.#stage.dice.weighted({ burst: 6, freeze: 1, thaw: 1, end: 1, fail: 1 });
    const source = this.#stage.dice.pick([...this.#stage.world.sources.values()]);
    this.#stage.note(`${source?.label}: ${what}`);
    source?.disturb(what);
  }
}
