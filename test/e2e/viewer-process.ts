/** A viewer in a process of its own, and what it has seen. */
import { join } from 'node:path';
import { root } from '../house/source-files.js';
import { eventually } from './eventually.js';
import type { GatewayProcess } from './gateway-process.js';
import { TestProcess } from './processes.js';

export interface SeenFrame {
  readonly seq: number;
  readonly bytes: number;
  /** From SOI to EOI. */
  readonly whole: boolean;
  readonly digest: string;
}

export interface SeenEnd {
  readonly code: number;
  readonly details: string;
}

type Line =
  | ({ readonly type: 'frame' } & SeenFrame)
  | ({ readonly type: 'ended' | 'control.ended' } & SeenEnd)
  | { readonly type: 'bye'; readonly reason: string; readonly reconnect: boolean }
  | { readonly type: 'welcome' | 'heartbeat' };

export class ViewerProcess {
  readonly process: TestProcess;

  constructor(gateway: GatewayProcess, cameraId: string, nodeId = '') {
    const script = join(root, 'test/e2e/viewer.mjs');
    this.process = new TestProcess(process.execPath, [script, gateway.grpc, cameraId, nodeId]);
  }

  /** Whole lines only: the last may be half there. */
  get lines(): readonly Line[] {
    return this.process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  get frames(): readonly SeenFrame[] {
    return this.lines.filter((line) => line.type === 'frame');
  }

  get end(): SeenEnd | undefined {
    return this.lines.find((line): line is Line & { type: 'ended' } => line.type === 'ended');
  }

  /** Resolves when it has seen so many frames, with all that it has seen until then. */
  async sees(count: number): Promise<readonly SeenFrame[]> {
    await eventually(
      `${count} frames at a viewer`,
      () => ({ frames: this.frames.length, end: this.end, stderr: this.process.stderr }),
      ({ frames }) => frames >= count,
    );
    return this.frames;
  }

  /** Leaves by itself. */
  async leave(): Promise<number | null> {
    this.process.signal('SIGTERM');
    return (await this.process.end()).code;
  }
}
