/** How long a resume token opens its session, and what becomes of its owner when it does not any more. */
import { describe, expect, it } from 'vitest';
import { type Connected, WholeGateway } from './whole-gateway.js';

describe('a resume token', () => {
  const later = { session: { graceMs: 3_600_000 } };
  const tokenOf = ({ wire }: Connected): string => wire.of('welcome')[0]?.resumeToken ?? '';

  it('S4-24 opens its session for ten minutes after its client was last here, and not a millisecond longer', async () => {
    const patient = await WholeGateway.start(later);
    try {
      const [early, late] = [await patient.hello('early'), await patient.hello('late')];
      for (const { control } of [early, late]) control.peerCancelled();
      await patient.pass(599_999);
      const back = await patient.hello('early', { resumeToken: tokenOf(early) });
      expect(back.wire.of('welcome')[0]?.resumed).toBe(true);
      await patient.pass(1);
      await expect(patient.hello('late', { resumeToken: tokenOf(late) })).rejects.toThrow(
        /^unauthenticated: hello.resume_token/,
      );
    } finally {
      await patient.stop();
    }
  });

  it('S4-24 that has expired does not shut its owner out: a hello without it gets a fresh one, which opens', async () => {
    const patient = await WholeGateway.start(later);
    try {
      const first = await patient.hello('user');
      first.control.peerCancelled();
      await patient.pass(600_000);
      await expect(patient.hello('user', { resumeToken: tokenOf(first) })).rejects.toThrow(/^unauthenticated/);
      const fresh = await patient.hello('user');
      expect(fresh.wire.of('welcome')[0]?.resumed).toBe(false);
      expect(tokenOf(fresh)).not.toBe(tokenOf(first));
      fresh.control.peerCancelled();
      await patient.settle();
      const back = await patient.hello('user', { resumeToken: tokenOf(fresh) });
      expect(back.wire.of('welcome')[0]?.resumed).toBe(true);
    } finally {
      await patient.stop();
    }
  });
});
