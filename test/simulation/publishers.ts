/**
 * Those who publish frames for a camera: they come, take each other's place, send bursts, and end in every way there is. At
 * most one of them is heard, and the summary of each is held against the frames that were made of its pictures.
 */
import type { PublishHandle } from '../../src/gateway/transport.js';
import type { Maker } from './ledger.js';
import { FED } from './settings.js';
import type { Stage } from './stage.js';
import { NODES } from './visitors.js';
import { SimulatedPublish } from './wires.js';
import type { Watch } from './world.js';

interface Device {
  readonly watch: Watch;
  readonly wire: SimulatedPublish;
  readonly maker: Maker;
  handle: PublishHandle | undefined;
  /** It has said its last, or somebody has its place. */
  done: boolean;
  bytes: number;
}

export class Publishers {
  readonly #stage: Stage;
  readonly #devices: Device[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.world.checks.push(() => this.#faults());
  }

  come(): void {
    const { dice, world } = this.#stage;
    const nodeId = dice.chance(0.3) ? undefined : (dice.pick(NODES) ?? '');
    const cameraId = dice.chance(0.1) ? 'yard' : FED;
    const ask = this.#stage.newAsk(`publish-${nodeId ?? 'nobody'}`);
    const wire = new SimulatedPublish(ask.label, world.breach, this.#stage.reading(), world.clock);
    const watch: Watch = { ...ask, wire, stream: undefined };
    const device: Device = {
      watch,
      wire,
      maker: world.ledger.maker(ask.label),
      handle: undefined,
      done: false,
      bytes: 0,
    };
    world.watches.push(watch);
    this.#stage.note(`${ask.label} publishes for ${cameraId}`);
    wire.onEnded.push(() => this.#ended(device));
    world.ask(watch, world.tree.live.publish({ cameraId }, nodeId, wire), (handle) => {
      watch.stream = handle as unknown as Watch['stream'];
      device.handle = handle;
      if (cameraId !== FED) world.breach(`${ask.label} publishes for "${cameraId}", which has a source of its own`);
      // Nothing of those who had the place before is taken from now on.
      for (const other of this.#devices) {
        other.done = true;
        other.maker.over = true;
      }
      this.#devices.push(device);
    });
  }

  /** One device, also one that was superseded a moment ago, sends some pictures. */
  push(): void {
    const { dice } = this.#stage;
    const device = dice.pick(this.#devices.filter(({ wire }) => wire.ended === undefined));
    if (!device?.handle) return;
    const pictures = dice.int(1, 8);
    this.#stage.note(`${device.watch.label} sends ${pictures} pictures`);
    for (let picture = 0; picture < pictures; picture += 1) this.#send(device);
  }

  /** While time passes, whoever publishes goes on. */
  beat(): void {
    for (const device of this.#devices) if (!device.done && device.wire.ended === undefined) this.#send(device);
  }

  #send(device: Device): void {
    const { handle, maker, wire, watch } = device;
    if (wire.ended !== undefined || !watch.stream?.alive) return;
    const data = maker.next();
    device.bytes += data.length;
    handle?.picture({ contentType: 'image/jpeg', data });
  }

  leave(): void {
    const { dice } = this.#stage;
    const device = dice.pick(this.#devices.filter(({ wire }) => wire.ended === undefined));
    if (!device?.handle) return;
    const how = dice.weighted({ halfClose: 4, cancel: 2, fail: 1, deadline: 1, silence: 1 });
    this.#stage.note(`${device.watch.label}: ${how}`);
    device.done = true;
    if (how === 'halfClose') device.handle.peerHalfClosed();
    else if (how === 'cancel') device.handle.peerCancelled();
    else if (how === 'deadline') device.handle.deadlineExceeded();
    else if (how === 'fail') device.handle.failed(new Error('simulated: connection reset'));
  }

  #ended({ wire, maker, watch, bytes }: Device): void {
    const { summary } = wire;
    maker.over = true;
    if (!summary) return;
    const { breach } = this.#stage.world;
    const lost = maker.made - maker.framed;
    if (summary.frames !== maker.made) breach(`I-account: ${watch.label} sent ${maker.made}, told ${summary.frames}`);
    if (summary.dropped !== lost) breach(`I-account: ${watch.label} lost ${lost}, told ${summary.dropped}`);
    if (summary.bytes !== bytes) breach(`I-account: ${watch.label} sent ${bytes} bytes, told ${summary.bytes}`);
  }

  *#faults(): Generator<string> {
    const alive = this.#devices.filter(({ watch }) => watch.stream?.alive);
    if (alive.length > 1) yield `I-once: ${alive.map(({ watch }) => watch.label)} publish for one camera`;
  }
}
