/**
 * What is recorded, and who plays it. Deeds: the disk's troubles, players, downloads, and looking at what a kill or a power cut
 * at this very moment would leave. What must hold is told from the disk, the pictures and the chronicle: the live picture
 * goes on whatever the disk does, nothing that is listed or served is torn, and what was recorded is lost by its limits only.
 */
import { JpegWorks } from '../../src/cameras/jpeg-works.js';
import { FolderArchive } from '../../src/cameras/recording-archive.js';
import type { OpenSegment, StoredPicture } from '../../src/gateway/recording.js';
import type { RecordingPlayer } from '../../src/gateway/recording-player.js';
import { stateOf } from '../../src/gateway/structure.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import {
  CAPACITY_BYTES,
  GATEWAY,
  HANG_MS_MAX,
  INTRUDER,
  type SimulatedDisk,
  SUCCESSOR,
  simulatedProcess,
} from './disks.js';
import type { Maker } from './ledger.js';
import { SimulatedPlayback } from './playbacks.js';
import { RecordedFiles } from './recorded-files.js';
import { RoomOnDisk } from './room-on-disk.js';
import { RECORD, RECORDED } from './settings.js';
import type { Stage } from './stage.js';
import type { Watch } from './world.js';

type Faults = Generator<string>;

/** Longer than from one look at the room to the next. */
const FILL_MS = 6_000;
/** How long one thing may take to be given back. */
const LINGER_MS = 5_000;

export class Recordings {
  readonly #stage: Stage;
  readonly #disk: SimulatedDisk;
  readonly #files: RecordedFiles;
  readonly #room: RoomOnDisk;
  #intruders = 0;
  /** Those who are there, or wait for the disk. */
  #intruding = 0;

  constructor(stage: Stage) {
    const { world } = stage;
    this.#stage = stage;
    this.#disk = world.disk;
    this.#files = new RecordedFiles(world);
    this.#room = new RoomOnDisk(world);
    world.mayLinger = (process) => this.#mayLinger(process);
    world.checks.push(() => this.#faults());
    world.lastChecks.push(() => this.#lastFaults());
  }

  // Deeds

  /** Something happens to the disk; it is well again after a while. */
  diskTrouble(): void {
    const { dice, world } = this.#stage;
    const what = dice.weighted({
      fill: 6,
      tidy: 2,
      slow: 2,
      hung: 2,
      'read-only': 1,
      failing: 2,
      'power cut': 2,
      well: 2,
    });
    this.#stage.note(`the disk: ${what}`);
    if (what === 'fill') this.#fill();
    else if (what === 'tidy') this.#disk.othersBytes = 0;
    else if (what === 'power cut') this.#disk.cutPower();
    else {
      this.#disk.become(what);
      if (what === 'hung' && dice.chance(0.4)) this.#killsRecorder();
      if (what !== 'well') world.clock.setTimeout(() => this.#recovers(), dice.int(1, HANG_MS_MAX));
    }
  }

  /** Somebody kills what hangs. */
  #killsRecorder(): void {
    const { dice, world } = this.#stage;
    const recorder = dice.pick([...world.system.processes].filter(({ kind, alive }) => kind === 'recorder' && alive));
    if (recorder) exit(recorder.ref, 'kill');
  }

  /** The room becomes about as much as one of the limits, and stays there for some looks: now less, now a little more. */
  #fill(): void {
    const { dice, world } = this.#stage;
    const limit = RECORD.minFreeBytes * (dice.pick([1, 0.5, 0.5, 0.25]) ?? 1);
    for (const times of [0, 1, 2, 3]) {
      const wanted = limit * (0.8 + 0.4 * dice.next());
      const change = (): void => {
        const others = CAPACITY_BYTES - this.#disk.contents.usedBytes - wanted;
        this.#disk.othersBytes = Math.max(0, Math.round(others));
      };
      if (times === 0) change();
      else world.clock.setTimeout(change, times * FILL_MS);
    }
    // Or there is nearly none, before anybody has looked.
    if (dice.chance(0.35)) this.#disk.othersBytes = CAPACITY_BYTES - this.#disk.contents.usedBytes - dice.int(10, 400);
  }

  #recovers(): void {
    if (this.#disk.mood !== 'well') this.#disk.become('well');
  }

  play(): void {
    const { dice, world } = this.#stage;
    const cameraId = dice.pick(RECORDED) ?? '';
    const recordings = world.archives.get(cameraId)?.recordings ?? [];
    const fromMs = dice.chance(0.5) ? 0 : (dice.pick(recordings)?.fromMs ?? 0) + dice.int(-1_000, 3_000);
    const speed = dice.pick([0, 0, 1, 20]) ?? 0;
    const ask = this.#stage.newAsk(`play-${cameraId}`);
    const wire = new SimulatedPlayback(ask.label, world.breach, this.#stage.reading(), world.clock, {
      cameraId,
      fromMs,
    });
    const watch: Watch = { ...ask, wire, stream: undefined };
    world.watches.push(watch);
    this.#stage.note(`${ask.label} from ${fromMs}, speed ${speed}`);
    const request = { cameraId, fromMs: Math.max(0, fromMs), speed };
    const answer = async () => world.tree.live.watch(request, dice.chance(0.5) ? undefined : 'fay', wire);
    world.ask(watch, answer(), (stream) => {
      watch.stream = stream as unknown as RecordingPlayer;
    });
  }

  /** One of what is listed, as a file. What is torn, or is not what was listed, is a breach. */
  download(): void {
    const { dice, world } = this.#stage;
    const [cameraId, archive] = dice.pick([...world.archives]) ?? [];
    const recording = dice.pick(archive?.recordings ?? []);
    const file = recording && archive?.file(recording.id);
    if (!file || !recording) return;
    this.#stage.note(`${recording.id} of ${cameraId} is fetched`);
    void this.#fetch(`${recording.id} of ${cameraId}`, file.read(0, file.bytes - 1), recording);
  }

  async #fetch(
    label: string,
    pieces: AsyncIterable<Buffer>,
    recording: { frames: number; bytes: number },
  ): Promise<void> {
    const got: Buffer[] = [];
    try {
      for await (const piece of pieces) got.push(piece);
    } catch {
      // The disk has failed, or the segment was taken away meanwhile: whoever fetches it is told so.
      return;
    }
    for (const fault of this.#files.faultsOf(label, Buffer.concat(got), recording)) this.#stage.world.breach(fault);
  }

  /** What would be found if everything were killed, or the power were cut, at this moment. */
  async wouldBeFound(): Promise<void> {
    for (const what of ['kill', 'power cut', 'power cut', 'power cut'] as const)
      for (const cameraId of this.#stage.world.archives.keys()) await this.#wouldFind(cameraId, what);
  }

  async #wouldFind(cameraId: string, what: 'kill' | 'power cut'): Promise<void> {
    const { world } = this.#stage;
    const disk = world.disk.after(what);
    const held = this.#files.heldAfter(cameraId, disk);
    const claimant = simulatedProcess(SUCCESSOR, []);
    const archive = new FolderArchive(cameraId, RECORD, { works: new JpegWorks(), disk, claimant });
    await archive.open();
    for (const fault of this.#files.foundFaults(cameraId, archive, disk, held))
      world.breach(`I-crash: after a ${what}, ${fault}`);
    await archive.close();
    if (disk.handles.size > 0) world.breach(`I-handle: ${disk.handles.size} files stay open after a ${what}`);
  }

  /** Another gateway is given the same folder: it may record there only while nobody else does. */
  intrude(): void {
    const { dice, world } = this.#stage;
    const cameraId = dice.pick(RECORDED) ?? '';
    const claimant = simulatedProcess(INTRUDER, [GATEWAY, INTRUDER]);
    const archive = new FolderArchive(cameraId, RECORD, { works: new JpegWorks(), disk: this.#disk, claimant });
    this.#stage.note(`somebody else would record ${cameraId}`);
    const maker = world.ledger.maker(`simulated:${cameraId}#intruder${this.#intruders++}`);
    const stays = new Promise<void>((resolve) => void world.clock.setTimeout(resolve, dice.int(1, 10_000)));
    this.#intruding += 1;
    void this.#records(archive, maker, stays, dice.chance(0.5))
      .then(() => archive.close())
      .then(() => {
        this.#intruding -= 1;
      });
  }

  async #records(archive: FolderArchive, maker: Maker, stays: Promise<void>, finishes: boolean): Promise<void> {
    const picture = (): StoredPicture => ({ data: maker.next(), width: 4, height: 4 });
    const nowMs = (): number => this.#stage.world.clock.wallMs();
    let segment: OpenSegment | undefined;
    try {
      await archive.open();
      segment = await archive.begin(picture(), nowMs(), undefined);
      await segment.write(picture(), nowMs());
      await stays;
      await segment.write(picture(), nowMs());
      if (finishes) await segment.finish();
    } catch {
      // It is refused, or the disk has its troubles: then it gives up.
    }
    await segment?.abandon();
  }

  // What must hold

  *#faults(): Faults {
    yield* this.#files.faults();
    yield* this.#room.faults();
    yield* this.#live();
    yield* this.#handles();
  }

  /** Whatever the disk does: each picture of a camera that is live is a frame at once. */
  *#live(): Faults {
    const { sources, tree } = this.#stage.world;
    for (const { id, process, options } of tree.cameras.all()) {
      const attempt = RECORDED.includes(id) ? sources.get(options.source)?.current : undefined;
      if (!attempt || !process.alive || !stateOf(process).includes('live')) continue;
      if (attempt.unframed > 0) yield `I-live: ${attempt.unframed} pictures of camera "${id}" became no frame`;
    }
  }

  *#handles(): Faults {
    if (this.#disk.pending > 0) return;
    const { system } = this.#stage.world;
    for (const { path } of this.#disk.handles) {
      const id = RECORDED.find((one) => path.startsWith(`${RECORD.dir}/${one}/`));
      const recorder = [...system.processes].some((one) => one.id === `recorder:${id}`);
      if (path.endsWith('.part') ? !recorder && this.#intruding === 0 : !this.#playing)
        yield `I-handle: ${path} is open, and nobody needs it`;
    }
  }

  get #playing(): boolean {
    return this.#stage.world.watches.some(({ stream }) => stream?.kind === 'playback' && !stream.process.gone);
  }

  *#lastFaults(): Faults {
    if (this.#disk.pending > 0) yield `I-zero: the disk is still asked for ${this.#disk.pending} things`;
    for (const { path } of this.#disk.handles) yield `I-zero: ${path} is still open`;
    yield* this.#files.lastFaults();
  }

  /** Whoever waits for a disk that hangs, or is slow, is not waited for. */
  #mayLinger({ kind }: Process): boolean {
    if (kind !== 'recorder' && kind !== 'stream') return false;
    return this.#disk.takesTime || this.#disk.parts.clock.now() - this.#disk.tookTimeUntilMs < LINGER_MS;
  }
}
