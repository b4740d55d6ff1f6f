/**
 * How V8 is to see the heap of a gateway. When many clients come at once and stay, V8 concludes that what is made at such
 * places in the program lives long, and makes it in the old part of its heap from then on. For those who come and go later
 * that is wrong, and it never finds out while the others stay: beside 100,000 clients a connect and its end cost three times
 * as much. A library does not change its host's V8; a process that is ours does.
 */
import { setFlagsFromString } from 'node:v8';

/** To be called before the first client comes. */
export function expectShortLives(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
