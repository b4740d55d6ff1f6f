/** "Why" across supervisors, for a tree of a host's own in which a real disk is full. */
import { createWriteStream, openSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { Chronicle } from '../../src/gateway/chronicle.js';
import { whyStory } from '../../src/ops/why-story.js';
import { assertNoLeaks, fromProcess, System, startApplication, supervisor } from '../../src/otp/index.js';

const idle = fromProcess(() => undefined);

/** Writes until the disk has no room; what the disk says is its end. */
const recorder = fromProcess(({ process, scope }) => {
  const file = createWriteStream('', { fd: openSync('/dev/full', 'w') });
  scope.acquire('file', () => void file.destroy());
  file.on('error', (error) => process.crash(error));
  file.write('a frame');
  return undefined;
});

describe('a recorder whose disk is full, which takes its camera, which takes its room', () => {
  it('is told from the first failure on, across the supervisors, in words and as a chain', async () => {
    const system = new System();
    const chronicle = new Chronicle(system);
    const camera = supervisor({
      intensity: 0,
      children: [
        { id: 'source', start: { logic: idle } },
        { id: 'recorder', start: { logic: recorder } },
      ],
    });
    const room = supervisor({
      intensity: 0,
      children: [
        { id: 'door', start: { logic: idle } },
        { id: 'camera', type: 'supervisor', start: { logic: camera } },
      ],
    });
    const children = [
      { id: 'room', type: 'supervisor' as const, restart: 'temporary' as const, start: { logic: room } },
    ];
    const app = await startApplication('house', { children }, system);
    await vi.waitFor(() => expect(chronicle.why('house/room')).not.toEqual([]), { timeout: 15_000 });

    const chain = chronicle.why('house/room');
    expect(chain.map(({ actor }) => actor)).toEqual(['house/room', 'house/room/camera', 'house/room/camera/recorder']);
    expect(chain.at(-1)?.reason).toContain('ENOSPC');
    const story = whyStory('house/room', chain);
    expect(story).not.toContain('\n');
    expect(story).toMatch(
      /^First, house\/room\/camera\/recorder ended at \S+: Error: ENOSPC.*That took house\/room\/camera along .*Which took house\/room along .*\.$/,
    );
    // A bystander died of the same, and says so.
    expect(chronicle.why('house/room/door').at(-1)?.actor).toBe('house/room/camera/recorder');

    await app.stop();
    chronicle.close();
    assertNoLeaks(system);
  });
});

describe('the story of an end', () => {
  it('is short for one that nothing led to, and says when nothing is known', () => {
    const one = { actor: 'a/b', reason: 'killed', atMs: 0 };
    expect(whyStory('a/b', [one])).toBe(
      'a/b ended at 1970-01-01T00:00:00.000Z: killed. Nothing before it led to that.',
    );
    expect(whyStory('a/c', [])).toMatch(/^Nothing is known of an end of a\/c/);
  });
});
