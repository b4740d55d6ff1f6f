/** The cloud side of an audio bridge as a process, and what it has seen. */
import { join } from 'node:path';
import { root } from '../house/source-files.js';
import { eventually } from './eventually.js';
import { TestProcess } from './processes.js';

export interface Figures {
  readonly heard: number;
  /** When the last chunk that was heard was said. */
  readonly lastMs: number;
  readonly drops: number;
  readonly queued: number;
  readonly reconnects: number;
  readonly state: string;
}

type Line =
  | ({ readonly type: 'figures' } & Figures)
  | { readonly type: string; readonly user?: string; readonly reason?: string };

export class CloudProcess {
  readonly process: TestProcess;

  /** @param within the network namespace that it lives in. */
  constructor(address: string, { token = '', within = '' } = {}) {
    const script = [join(root, 'test/e2e/cloud.mjs'), address, ...(token === '' ? [] : [token])];
    const command = [...(within === '' ? [] : ['ip', 'netns', 'exec', within]), process.execPath, ...script];
    const [program = '', ...args] = command;
    this.process = new TestProcess(program, args);
  }

  /** Whole lines only: the last may be half there. */
  get lines(): readonly Line[] {
    return this.process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  get events(): readonly string[] {
    return this.lines
      .filter(({ type }) => type !== 'figures')
      .map((line) => `${'user' in line ? line.user : ''} ${line.type}`);
  }

  get figures(): Figures | undefined {
    return this.lines.filter((line): line is { readonly type: 'figures' } & Figures => line.type === 'figures').at(-1);
  }

  /** Resolves when chunks are heard that were said from now on; so many of them. */
  async hears(count = 25): Promise<Figures> {
    const sinceMs = Date.now();
    let before: number | undefined;
    await eventually(
      'audio flows',
      () => ({ figures: this.figures, events: this.events.slice(-6), stderr: this.process.stderr.slice(-500) }),
      ({ figures }) => {
        if (!figures || figures.lastMs < sinceMs) return false;
        before ??= figures.heard;
        return figures.heard >= before + count;
      },
    );
    return this.figures as Figures;
  }
}
