import { describe, expect, it } from 'vitest';
import { RestartIntensity } from '../../src/otp/restart-intensity.js';

describe('a restart window', () => {
  it('allows as many restarts as its intensity says, and not one more', () => {
    const window = new RestartIntensity(2, 5);
    expect([0, 0, 0].map((nowMs) => window.allows(nowMs))).toEqual([true, true, false]);
  });

  it('allows none with intensity 0', () => {
    expect(new RestartIntensity(0, 5).allows(0)).toBe(false);
  });

  it('still holds a restart that is exactly one period old', () => {
    const window = new RestartIntensity(1, 5);
    expect(window.allows(1_000)).toBe(true);
    expect(window.allows(6_000)).toBe(false);
  });

  it('has forgotten it a second later, because it counts whole seconds', () => {
    const window = new RestartIntensity(1, 5);
    expect(window.allows(1_999)).toBe(true);
    expect(window.allows(7_000)).toBe(true);
    expect(window.allows(12_999)).toBe(false);
  });
});
