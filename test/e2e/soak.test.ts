/** `sluice soak`, for seconds instead of hours. */
import { describe, expect, it } from 'vitest';
import { sluice } from './gateway-process.js';

describe('sluice soak', () => {
  it('lets clients come and go in every way, and ends with 0 when nothing of them is left', async () => {
    const soak = sluice('soak', '--minutes', '0.05', '--clients', '4');
    expect(await soak.end(60_000)).toEqual({ code: 0, signal: null });
    expect(soak.stderr).toBe('');
    const [, visits] = /^(\d+) visits in \d\d:\d\d, 0 failed; heap .* MiB at the end/m.exec(soak.stdout) ?? [];
    expect(Number(visits)).toBeGreaterThan(8);
    expect(soak.stdout).toMatch(/^nothing is left: census zero$/m);
  });

  it('tells how it goes, and ends in order with the result so far when it is interrupted', async () => {
    const soak = sluice('soak', '--minutes', '60', '--clients', '2');
    await soak.printed(/^00:0\d {2}[1-9]\d* visits, .* 0 failed; .* 0 orphans; heap .* MiB$/m);
    soak.signal('SIGINT');
    expect(await soak.end(60_000)).toEqual({ code: 0, signal: null });
    expect(soak.stdout).toMatch(/^nothing is left: census zero$/m);
  });

  it('says what is wrong with an option, and ends with 2', async () => {
    const soak = sluice('soak', '--minutes', 'long');
    expect(await soak.end()).toEqual({ code: 2, signal: null });
    expect(soak.stderr).toMatch(/^sluice: option '--minutes <n>' [^\n]*\n$/);
  });
});
