/** The receiver that the page about several gateways shows, as somebody would run it: who was replaced is refused. */
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { signatureOf } from '../../src/gateway/webhook.js';
import { root } from '../house/source-files.js';
import { TestProcess } from './processes.js';

const SECRET = 'shared with the gateway';

it('D-16 a receiver of webhooks takes what is signed, fresh and of the highest token, and nothing else', async () => {
  const fault = inject('buildFault');
  if (fault) throw new Error(fault);
  const program = new TestProcess(
    'env',
    ['PORT=0', process.execPath, join(root, 'examples/apps/webhook-receiver.mjs')],
    {
      cwd: root,
    },
  );
  const [, url] = await program.printed(/^listening on (\S+)$/m);
  const tell = async (rev: number, { secret = SECRET, atMs = Date.now(), nodeId = 'ada', era = 1 } = {}) => {
    const body = JSON.stringify({ type: 'app.start', nodeId, packageName: 'captions', token: { era, rev } });
    const timestamp = String(atMs);
    const headers = {
      'x-sluice-timestamp': timestamp,
      'x-sluice-signature': `sha256=${signatureOf(secret, timestamp, body)}`,
    };
    return (await fetch(url as string, { method: 'POST', body, headers })).status;
  };
  expect(await tell(5)).toBe(200);
  expect(await tell(5), 'the same owner again').toBe(200);
  expect(await tell(9)).toBe(200);
  expect(await tell(5), 'the one who was replaced').toBe(409);
  expect(await tell(3, { nodeId: 'bob' }), 'another user').toBe(200);
  expect(await tell(1, { era: 2 }), 'a new era').toBe(200);
  expect(await tell(9), 'of the old era').toBe(409);
  expect(await tell(10, { secret: 'guessed', era: 2 })).toBe(401);
  expect(await tell(10, { era: 2, atMs: Date.now() - 600_000 })).toBe(401);
  expect(program.stdout).toMatch(/app\.start captions for ada under 1\.9/);
});
