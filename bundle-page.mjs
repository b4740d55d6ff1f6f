/**
 * Makes the page: the modules of `src/ops/page/` bundled into one script, and that and the style put into the skeleton. The
 * result, `src/ops/page.html`, loads nothing. It is made by the build and before the tests, only when a part is younger than it.
 */
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const parts = join(root, 'src/ops/page');
const target = join(root, 'src/ops/page.html');

export async function bundlePage() {
  if (isFresh()) return;
  const { build } = await import('vite');
  const [bundle] = await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: join(parts, 'main.ts'), formats: ['iife'], name: 'page' },
    },
  });
  // A script inside a page ends at the first end tag in it, even within a string.
  const script = bundle.output[0].code.replaceAll('</script', '<\\/script');
  const style = readFileSync(join(parts, 'style.css'), 'utf8');
  const html = readFileSync(join(parts, 'skeleton.html'), 'utf8')
    .replace('<style></style>', () => `<style>\n${style}</style>`)
    .replace('<script></script>', () => `<script>\n${script}</script>`);
  // Put in place at once, for somebody else may be reading or making it now.
  const draft = `${target}.${process.pid}`;
  writeFileSync(draft, html);
  renameSync(draft, target);
}

function isFresh() {
  const made = statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // One part is shared with the routes.
  const files = [parts, join(root, 'src/ops/flight')].flatMap((folder) => [
    folder,
    ...readdirSync(folder).map((name) => join(folder, name)),
  ]);
  return files.concat(fileURLToPath(import.meta.url)).every((file) => statSync(file).mtimeMs < made);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundlePage();
