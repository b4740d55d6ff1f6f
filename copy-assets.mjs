/**
 * Makes and copies what `tsc` does not: the page, the files that the code reads beside itself (the page, the demo clip), and
 * the drawings of the charts, which the page shows.
 */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, extname, join, sep } from 'node:path';
import { bundlePage } from './bundle-page.mjs';

const ASSETS = new Set(['.html', '.mjpeg']);
/** What the bundler has put into the page. */
const PARTS = join('ops', 'page') + sep;

await bundlePage();
for (const name of readdirSync('src', { recursive: true })) {
  if (ASSETS.has(extname(name)) && !name.startsWith(PARTS)) copy(join('src', name), join('dist/src', name));
}
for (const name of readdirSync('diagrams')) {
  if (extname(name) === '.svg') copy(join('diagrams', name), join('dist/diagrams', name));
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
