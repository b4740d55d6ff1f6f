/** The page as the tests see it is made of the modules as they are now. */
import { bundlePage } from '../../bundle-page.mjs';

export async function setup(): Promise<void> {
  await bundlePage();
}
