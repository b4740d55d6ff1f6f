/**
 * A whole gateway without ports whose one camera plays the demo clip and is recorded onto a real disk. Its time is virtual and
 * passes only while somebody waits for something; the disk takes what time it takes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type GatewayTree, gatewayTree } from '../../src/application.js';
import { folderArchives, sourceFactory } from '../../src/cameras/index.js';
import { configure } from '../../src/configuration.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { RecordingView } from '../../src/gateway/recorder-words.js';
import type { ArchiveFactory, RecordingArchive, RecordOptions } from '../../src/gateway/recording.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { leftovers } from '../../src/otp/leaks.js';
import { exit } from '../../src/otp/signals.js';
import { System } from '../../src/otp/system.js';
import { QuickWire } from './whole-gateway.js';

/** Passes while the disk is given a moment; less than the time between two pictures of the clip. */
const STEP_MS = 20;
const STEPS_MAX = 5_000;

export class RecordedGateway {
  readonly clock = new VirtualClock();
  readonly system = new System({ clock: this.clock });
  readonly tree: GatewayTree;
  /** Of `recorder.*` and of the recorders. */
  readonly events: GatewayEvent[] = [];
  #application: Application | undefined;

  private constructor(record: Partial<RecordOptions>, archives: ArchiveFactory) {
    // As the pictures come, unless a test says otherwise: making them anew takes time that is no subject here.
    const given = { quality: 0, minFreeBytes: 0, segmentSeconds: 2, dir: '', ...record };
    this.tree = gatewayTree({
      options: configure({ cameras: [{ id: 'front', source: 'clip:', record: given }] }) as GatewayOptions,
      system: this.system,
      sources: sourceFactory,
      archives,
      encode: encodeFrame,
      random: () => 0,
    });
    this.tree.chronicle.listen((event) => this.events.push(event));
  }

  static async start(
    record: Partial<RecordOptions>,
    archives: ArchiveFactory = folderArchives,
  ): Promise<RecordedGateway> {
    const gateway = new RecordedGateway(record, archives);
    gateway.#application = await startApplication('sluice', gateway.tree.root([]), gateway.system);
    return gateway;
  }

  get recording(): RecordingView {
    return this.tree.cameras.views()[0]?.recording as RecordingView;
  }

  said(type: string): readonly GatewayEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Watches the camera; what comes is on the wire. */
  async watch(): Promise<QuickWire> {
    const wire = new QuickWire();
    await this.tree.live.watch({ cameraId: 'front' }, undefined, wire);
    return wire;
  }

  kill(path: string): void {
    const process = [...this.system.processes].find((one) => one.path === path);
    if (!process) throw new Error(`there is no actor ${path}`);
    exit(process.ref, 'kill');
    this.system.flush();
  }

  /** Lets time pass until it is so. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let step = 0; !holds(); step += 1) {
      if (step === STEPS_MAX)
        throw new Error(`not within ${STEP_MS * STEPS_MAX} ms: ${what}: ${JSON.stringify(this.recording)}`);
      await this.#step();
    }
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.clock.now() + ms;
    while (this.clock.now() < endMs) await this.#step();
  }

  /** Stops it and shows that nothing is left. */
  async stop(): Promise<void> {
    let stopped = false;
    const stopping = this.#application?.stop({ timeoutMs: 10_000 }).then(() => {
      stopped = true;
    });
    await this.until('it has stopped', () => stopped);
    await stopping;
    expect(leftovers(this.system)).toEqual({});
  }

  async #step(): Promise<void> {
    this.clock.advance(STEP_MS);
    this.system.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.system.flush();
  }
}

/** Frames came one after the other, none left out. */
export function expectNoGap(wire: QuickWire): void {
  const numbers = wire.frames.map(({ seq }) => seq);
  const [first = 0] = numbers;
  expect(numbers).toEqual(numbers.map((_, index) => first + index));
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-recorder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A small disk of its own; gone when the test is over. */
export class SmallDisk {
  readonly path: string;

  constructor(options: string) {
    this.path = temporaryFolder();
    mount('-t', 'tmpfs', '-o', options, 'tmpfs', this.path);
    onTestFinished(() => void spawnSync('umount', ['-l', this.path]));
  }

  remount(options: string): void {
    mount('-o', `remount,${options}`, this.path);
  }
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

/** Small disks can be made here: that takes the rights of root. */
export const disksCanBeMade: boolean = process.platform === 'linux' && process.getuid?.() === 0 && canMount();

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (status === 0) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0;
}

if (!disksCanBeMade && process.env['CI'])
  throw new Error('a small tmpfs cannot be mounted; under CI the tests that need one may not be skipped');

/** Files that this process has open, by what they are. */
export function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The archive, with another way of writing. */
export function writingAs(change: (write: () => Promise<void>) => Promise<void>): ArchiveFactory {
  return (cameraId, options) => {
    const archive = folderArchives(cameraId, options);
    const begin = archive.begin.bind(archive);
    return Object.assign(archive, {
      begin: async (...args: Parameters<RecordingArchive['begin']>) => {
        const segment = await begin(...args);
        const write = segment.write.bind(segment);
        return Object.assign(segment, { write: (...what: Parameters<typeof write>) => change(() => write(...what)) });
      },
    });
  };
}
