/** Copies what `tsc` does not: the files that the code reads beside itself (the page, the demo clip). */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const ASSETS = new Set(['.html', '.mjpeg']);

for (const name of readdirSync('src', { recursive: true })) {
  if (!ASSETS.has(extname(name))) continue;
  const target = join('dist/src', name);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join('src', name), target);
}
