/** The version of this package, read from its own manifest, which it finds under its own name wherever it is installed. */
import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('sluice/package.json') as { readonly version: string };

export const VERSION: string = manifest.version;
