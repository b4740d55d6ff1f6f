/** Those who watch cameras, as clients or over HTTP, and what happens at the cameras' far ends. */
import type { Stage } from './stage.js';
import { NODES } from './visitors.js';
import { SimulatedFrames } from './wires.js';
import type { Ask, Watch } from './world.js';

const CAMERAS = ['yard', 'gate', 'hall'];

export class Viewers {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  watch(): void {
    const nodeId = this.#stage.dice.chance(0.25) ? undefined : (this.#stage.dice.pick([...NODES, 'fay']) ?? '');
    const ask = this.#stage.newAsk(`watch-${nodeId ?? 'nobody'}`);
    const { watch, wire } = this.#newWatch(ask);
    const request = this.#request();
    this.#stage.note(`${ask.label} watches ${request.cameraId}`);
    this.#stage.world.ask(watch, this.#stage.world.tree.live.watch(request, nodeId, wire), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
    });
  }

  view(): void {
    const ask = this.#stage.newAsk('view');
    const { watch, wire } = this.#newWatch(ask);
    const request = this.#request();
    this.#stage.note(`${ask.label} views ${request.cameraId}`);
    this.#stage.world.ask(watch, this.#stage.world.tree.live.view(request, wire), (stream) => {
      watch.stream = stream as unknown as Watch['stream'];
    });
  }

  #newWatch(ask: Ask): { readonly watch: Watch; readonly wire: SimulatedFrames } {
    const wire = new SimulatedFrames(
      ask.label,
      this.#stage.world.breach,
      this.#stage.reading(),
      this.#stage.world.clock,
    );
    const watch: Watch = { ...ask, wire, stream: undefined };
    this.#stage.world.watches.push(watch);
    return { watch, wire };
  }

  #request(): { readonly cameraId: string; readonly overflow: string; readonly maxFps: number } {
    const overflow = this.#stage.dice.weighted({
      '': 4,
      drop_oldest: 1,
      drop_newest: 1,
      latest: 1,
      block: 0.3,
      disconnect: 1,
    });
    return { cameraId: this.#stage.dice.pick(CAMERAS) ?? '', overflow, maxFps: this.#stage.dice.chance(0.2) ? 1 : 0 };
  }

  snapshot(): void {
    const cameraId = this.#stage.dice.pick(CAMERAS) ?? '';
    const ask = this.#stage.newAsk(`snapshot-${cameraId}`);
    this.#stage.note(`${ask.label} is asked for`);
    const timeoutMs = this.#stage.dice.int(1, 8_000);
    const answer = async () => this.#stage.world.tree.live.snapshot(cameraId, timeoutMs);
    this.#stage.world.ask(ask, answer(), () => {});
  }

  leave(): void {
    const watch = this.#stage.dice.pick(this.#stage.world.watches.filter(({ stream }) => stream?.alive));
    if (!watch?.stream) return;
    const how = this.#stage.dice.weighted({ cancel: 4, halfClose: 2, fail: 1, deadline: 1 });
    this.#stage.note(`${watch.label}: ${how}`);
    if (how === 'cancel') watch.stream.peerCancelled();
    else if (how === 'halfClose') watch.stream.peerHalfClosed();
    else if (how === 'deadline') watch.stream.deadlineExceeded();
    else watch.stream.failed(new Error('simulated: connection reset'));
  }

  disturb(): void {
    const what = this.#stage.dice.weighted({ burst: 6, freeze: 1, fail: 2 });
    const source = this.#stage.dice.pick([...this.#stage.world.sources.values()]);
    this.#stage.note(`${source?.label}: ${what}`);
    source?.disturb(what);
  }
}
