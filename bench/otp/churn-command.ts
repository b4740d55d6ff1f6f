/** `npm run bench -- churn [CYCLES] [VARIANT …]`: cycles per second and what the heap has grown by, per variant. */
import { churn, variants } from './churn.js';

export async function printChurn([cycles = '1000000', ...chosen]: readonly string[]): Promise<void> {
  for (const name of chosen.length > 0 ? chosen : Object.keys(variants)) {
    const { perSecond, grownBytes } = await churn(name, Number(cycles));
    const grownKiB = Math.round(grownBytes / 1_024);
    console.log(`${name}: ${cycles} cycles, ${perSecond}/s, heap ${grownKiB} KiB more, nothing left`);
  }
}
