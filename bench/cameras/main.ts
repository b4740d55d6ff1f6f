/**
 * `npm run -s bench -- cameras [--cycles N] [--seconds N]`: the parser's speed, 500 openings and failures of each driver with what stays
 * of them, and fifty cameras at once. Ends with 1 when something stays, frames are out of order, or memory grows.
 */
import { parseArgs } from 'node:util';
import { CameraServer } from './camera-server.js';
import { measureCrowd } from './crowd.js';
import { measureCycles } from './cycles.js';
import { measureParser } from './parser.js';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { cycles: { type: 'string', default: '500' }, seconds: { type: 'string', default: '30' } },
});

measureParser();
const cameras = await CameraServer.start();
const well = [await measureCycles(cameras, Number(values.cycles)), await measureCrowd(cameras, Number(values.seconds))];
cameras.stop();
process.exitCode = well.every(Boolean) ? 0 : 1;
