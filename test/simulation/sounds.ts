/** The files that users play: short, long, no sound at all, not there, and one that never comes. */
import { SoundError, type SoundLoader } from '../../src/gateway/room-sound.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';

export const SOUNDS = ['short', 'long', 'broken', 'missing', 'never'] as const;

export function soundLoader(clock: Clock, dice: Dice): SoundLoader {
  return (url, signal) =>
    new Promise((resolve, reject) => {
      const afterMs = dice.chance(0.5) ? 0 : dice.int(1, 3_000);
      const timer = url === 'never' ? undefined : clock.setTimeout(() => come(), afterMs);
      const aborted = (): void => {
        clock.clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const come = (): void => {
        signal.removeEventListener('abort', aborted);
        if (url === 'missing') reject(new SoundError('unreachable: simulated'));
        else resolve(url === 'broken' ? Buffer.from('no sound') : wav(url === 'short' ? 200 : 2_500));
      };
      signal.addEventListener('abort', aborted, { once: true });
      if (signal.aborted) aborted();
    });
}

/** Silence as PCM16 mono at 16 kHz. */
function wav(ms: number): Buffer {
  const data = Buffer.alloc(ms * 32);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
