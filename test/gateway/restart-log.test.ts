/** A restart is never silent: what the log of a whole gateway says of an actor that crashes again and again. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { VirtualGateway } from './virtual-gateway.js';

interface Line {
  readonly msg: string;
  readonly actor: string;
  readonly reason: string;
  readonly restarts: number;
}

describe('an actor of a gateway that crashes again and again', () => {
  it('D-28 is in the log as a warning for each restart, with its number and its reason', async () => {
    const lines: Line[] = [];
    const logger = pino({ level: 'warn' }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) });
    const virtual = await VirtualGateway.start({ logger });
    try {
      await virtual.connect('user');
      for (let crash = 0; crash < 3; crash += 1) {
        virtual.kill('calls');
        await virtual.settle();
      }
      const restarts = lines.filter(({ msg, actor }) => msg === 'process.restarted' && actor === 'sluice/core/calls');
      expect(restarts.map(({ restarts: count, reason }) => [count, reason])).toEqual([
        [1, 'killed'],
        [2, 'killed'],
        [3, 'killed'],
      ]);
    } finally {
      await virtual.stop();
    }
  });
});
