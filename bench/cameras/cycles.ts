/** Five hundred openings and five hundred that fail, of each driver that holds something of the system; what stays is printed. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { sourceFactory } from '../../src/cameras/index.js';
import { SourceError } from '../../src/gateway/frame-source.js';
import { realClock } from '../../src/otp/clock.js';
import type { CameraServer } from './camera-server.js';

const CARD = 'ffmpeg:testsrc2=size=160x120:rate=25#format=lavfi&realtime=1';

export async function measureCycles(cameras: CameraServer, cycles: number): Promise<boolean> {
  let well = await cyclesOf('http', cycles, cameras.url('/first').href, cameras.url('/refused').href);
  const openMost = await cameras.openMost();
  console.log(`http: at most ${openMost} connections at once, as the server saw it`);
  if (spawnSync('ffmpeg', ['-version']).status === 0) {
    well = (await cyclesOf('ffmpeg', cycles, CARD, 'ffmpeg:/nonexistent.mp4')) && well;
  } else console.log('ffmpeg: not measured, because it is not installed');
  return well && openMost === 1;
}

async function cyclesOf(name: string, cycles: number, opens: string, fails: string): Promise<boolean> {
  await cycle(opens);
  await cycle(fails);
  await settled();
  const before = held();
  const beganMs = performance.now();
  let childrenMost = 0;
  for (let n = 0; n < cycles; n += 1) {
    childrenMost = Math.max(childrenMost, await cycle(opens));
    await cycle(fails);
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  await settled();
  const after = held();
  const text = (all: Readonly<Record<string, number>>) =>
    Object.entries(all)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ');
  console.log(`${name}: ${cycles} openings and ${cycles} failures in ${seconds.toFixed(1)} s`);
  console.log(`  before: ${text(before)}; after: ${text(after)}; children at most ${childrenMost}`);
  const more = Object.entries(after).some(([kind, count]) => count > before[kind as keyof typeof before]);
  return !more && childrenMost <= 1;
}

/** What the system gives back a little later, it has given back then. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 300));
}

/** Opens, waits for a picture or for the failure, closes. @returns the children that there were meanwhile. */
async function cycle(source: string): Promise<number> {
  let settle: (error?: SourceError) => void = () => {};
  const first = new Promise<SourceError | undefined>((resolve) => {
    settle = resolve;
  });
  const attempt = sourceFactory(source).open(
    { opened: () => {}, picture: () => settle(), failed: (error) => settle(error) },
    { clock: realClock },
  );
  const error = await first;
  const children = childProcesses();
  await attempt.close();
  if (error instanceof SourceError && error.final) throw error;
  return children;
}

function held(): { descriptors: number; handles: number; timers: number; children: number } {
  const kinds = process.getActiveResourcesInfo();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    handles: kinds.filter((kind) => /TCP|Pipe|Process/.test(kind)).length,
    timers: kinds.filter((kind) => kind === 'Timeout').length,
    children: childProcesses(),
  };
}

/** Of ffmpeg; the cameras' own process is not counted. */
function childProcesses(): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      const [, name, parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return name === 'ffmpeg' && Number(parent) === process.pid;
    } catch {
      return false; // not a process, or gone meanwhile
    }
  }).length;
}
