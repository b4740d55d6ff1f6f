/** Makes `src/ops/page.html` unless it is younger than all its parts. */
export function bundlePage(): Promise<void>;
