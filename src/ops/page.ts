/**
 * The page, read once. It is one file that loads nothing; the policy it is served with names its script and its style by
 * their digests, so a browser runs these and nothing that somebody managed to slip in.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface WebPage {
  readonly html: Buffer;
  readonly policy: string;
}

let page: WebPage | undefined;

export function webPage(): WebPage {
  page ??= readPage();
  return page;
}

function readPage(): WebPage {
  const html = readFileSync(new URL('./page.html', import.meta.url));
  const text = html.toString('utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${digests(text, 'script')}`,
    `style-src ${digests(text, 'style')}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}

function digests(html: string, element: 'script' | 'style'): string {
  const inline = html.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, 'g'));
  return [...inline]
    .map(
      ([, body]) =>
        `'sha256-${createHash('sha256')
          .update(body ?? '')
          .digest('base64')}'`,
    )
    .join(' ');
}
