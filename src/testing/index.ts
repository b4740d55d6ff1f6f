/** What users' own tests import: virtual time, and the proof that nothing was left behind. */
export { VirtualClock } from '../otp/clock.js';
export { assertNoLeaks, leftovers } from '../otp/leaks.js';
