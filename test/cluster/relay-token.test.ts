/** Frames of a camera that is a key carry its token: those of who held it before are refused by who watches, and counted. */
import { expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { RelayWatcher } from '../../src/cluster/relay-watch.js';
import { framesSubject, interestSubject, readInterest, writeRelay } from '../../src/cluster/relay-words.js';
import type { Token } from '../../src/cluster/token.js';
import { VirtualClock } from '../../src/otp/clock.js';

it('a frame under a lower token than one before, from whichever gateway, is not shown and is counted', async () => {
  const clock = new VirtualClock();
  const hub = new MemoryHub({ clock, ttlMs: 12_000 });
  const [here, there] = [hub.connect(), hub.connect()];
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await Promise.resolve();
  };
  const watcher = new RelayWatcher();
  watcher.reachedBy({ node: 'here', inc: () => 1, media: here, nodeOf: () => undefined });
  const shown: string[] = [];
  /** Watches the camera at that node. @returns what sends a frame from there. */
  const watch = async (owner: string) => {
    let stream = '';
    there.subscribe(interestSubject(owner), (packed) => {
      stream = readInterest(packed)?.stream ?? '';
    });
    const listener = {
      opened: () => {},
      picture: ({ data }: { data: Uint8Array }) => void shown.push(Buffer.from(data).toString()),
      failed: () => {},
    };
    const attempt = watcher.open('door', owner, listener, clock);
    await settle();
    let n = 0;
    const send = async (text: string, token: Token | undefined): Promise<void> => {
      n += 1;
      const head = {
        type: 'frame',
        stream,
        inc: 7,
        token,
        n,
        timestampMs: n,
        contentType: 'image/jpeg',
        key: true,
      } as const;
      there.publish(framesSubject('here', 'door'), writeRelay(head, Buffer.from(text)));
      await settle();
    };
    return { attempt, send };
  };
  const old = await watch('north');
  await old.send('north reads it', { era: 1, rev: 5 });
  const now = await watch('south');
  await now.send('south has taken it', { era: 1, rev: 9 });
  await old.send('north does not know', { era: 1, rev: 5 });
  await now.send('south goes on', { era: 1, rev: 9 });
  await now.send('of a new era', { era: 2, rev: 1 });
  await now.send('of the old era', { era: 1, rev: 10 });
  expect(shown).toEqual(['north reads it', 'south has taken it', 'south goes on', 'of a new era']);
  expect(watcher.refused).toBe(2);
  await Promise.all([old.attempt.close(), now.attempt.close()]);
  await here.close();
  await there.close();
  hub.close();
  expect(clock.pending).toBe(0);
});
