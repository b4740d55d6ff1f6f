/**
 * The guard of a disk, held against its limits: a warning below what is wanted, one picture a second below half of it, nothing
 * below a quarter, and back only a tenth above each limit; and it looks often enough to know.
 */
import { stateOf } from '../../src/gateway/structure.js';
import type { Process } from '../../src/otp/process.js';
import { RECORD, RECORDED } from './settings.js';
import type { World } from './world.js';

type Faults = Generator<string>;

const LEVELS = ['ample', 'low', 'scarce', 'full'] as const;
const LOOK_MS = 5_000;

/** What one recorder knows of its disk. */
interface Book {
  /** Its place in `LEVELS`. */
  level: number;
  /** When it looked last, and since when it knows that it has got that bad. */
  lookedAtMs: number;
  sinceMs: number;
  /** Times that it became low, and scarce, and what was said about that. */
  readonly became: Record<string, number>;
  readonly said: Record<string, number>;
  /** Pictures recorded since then. */
  pictures: number;
}

export class RoomOnDisk {
  readonly #world: World;
  readonly #books = new WeakMap<Process, Book>();

  constructor(world: World) {
    this.#world = world;
    world.disk.asker = (folder) => this.#recorderIn(folder);
    world.disk.onLooked = (_folder, asker, freeBytes) => this.#looked(asker as Process | undefined, freeBytes);
    world.disk.onWritten = (path, buffers) => this.#written(path, buffers);
    world.tree.live.onEvent(({ type, actor }) => {
      if (!type.startsWith('recorder.')) return;
      const recorder = [...world.system.processes].find(({ path, alive }) => alive && path === actor);
      const book = recorder && this.#books.get(recorder);
      if (book) book.said[type] = (book.said[type] ?? 0) + 1;
    });
  }

  #recorderIn(folder: string): Process | undefined {
    const id = `recorder:${folder.slice(RECORD.dir.length + 1)}`;
    return [...this.#world.system.processes].find((one) => one.id === id && one.alive);
  }

  #looked(recorder: Process | undefined, freeBytes: number): void {
    if (!recorder) return;
    const nowMs = this.#world.clock.now();
    const book = this.#bookOf(recorder);
    book.lookedAtMs = nowMs;
    const level = levelOf(freeBytes, book.level);
    if (level === book.level) return;
    Object.assign(book, { level, sinceMs: nowMs, pictures: 0 });
    const name = LEVELS[level] as string;
    book.became[name] = (book.became[name] ?? 0) + 1;
  }

  #bookOf(recorder: Process): Book {
    const known = this.#books.get(recorder);
    if (known) return known;
    const nowMs = this.#world.clock.now();
    const book: Book = { level: 0, lookedAtMs: nowMs, sinceMs: nowMs, became: {}, said: {}, pictures: 0 };
    this.#books.set(recorder, book);
    return book;
  }

  /** A picture is written with its head before it, which says when it came. */
  #written(path: string, [head, picture]: readonly Buffer[]): void {
    if (!path.endsWith('.part') || !head || !picture) return;
    const recorder = this.#recorderIn(path.slice(0, path.lastIndexOf('/')));
    const book = recorder && this.#books.get(recorder);
    const began = Date.parse(
      path.slice(path.lastIndexOf('/') + 1).replace(/T(\d\d)-(\d\d)-(.*Z)\.mkv\.part$/, 'T$1:$2:$3'),
    );
    const cameAtMs = began + Number(head.readBigUInt64BE(10));
    if (!book || cameAtMs <= book.sinceMs) return;
    book.pictures += 1;
    const { breach, clock } = this.#world;
    if (book.level === 3) breach(`I-guard: ${path} is written to, and the disk has been full since ${book.sinceMs}`);
    if (book.level === 2 && book.pictures > 2 + (clock.now() - book.sinceMs) / 1_000)
      breach(`I-guard: ${book.pictures} pictures were recorded in ${clock.now() - book.sinceMs} ms on a scarce disk`);
  }

  *faults(): Faults {
    const { system, disk, clock } = this.#world;
    if (disk.pending > 0) return;
    for (const recorder of system.processes) {
      if (!recorder.alive || !RECORDED.some((id) => recorder.id === `recorder:${id}`)) continue;
      const book = this.#bookOf(recorder);
      const state = stateOf(recorder);
      if (!state.includes('alive')) continue;
      const level = LEVELS[book.level];
      if (!state.includes(`disk.${level}`)) yield `I-guard: ${recorder.path} is ${state} on a disk that is ${level}`;
      if (level === 'full' && /attending|resuming/.test(state))
        yield `I-guard: ${recorder.path} is ${state} on a full disk`;
      if (level !== 'full' && state.includes('work.paused'))
        yield `I-guard: ${recorder.path} is ${state}, and there is room`;
      for (const [name, type] of [
        ['low', 'recorder.diskLow'],
        ['scarce', 'recorder.degraded'],
      ] as const)
        if ((book.became[name] ?? 0) !== (book.said[type] ?? 0))
          yield `I-guard: ${recorder.path} became ${name} ${book.became[name]} times, and said so ${book.said[type]} times`;
      const blindMs = clock.now() - Math.max(book.lookedAtMs, disk.sinceMs);
      if (disk.mood === 'well' && blindMs > LOOK_MS) yield `I-guard: ${recorder.path} has not looked for ${blindMs} ms`;
    }
  }
}

/** By its own reckoning, not by the recorder's. */
function levelOf(freeBytes: number, before: number): number {
  const limits = [RECORD.minFreeBytes, RECORD.minFreeBytes / 2, RECORD.minFreeBytes / 4];
  let level = before;
  while (level < 3 && freeBytes < (limits[level] as number)) level += 1;
  while (level > 0 && freeBytes >= (limits[level - 1] as number) * 1.1) level -= 1;
  return level;
}
