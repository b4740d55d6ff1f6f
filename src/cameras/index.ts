/** The drivers of this version, by the scheme of the source. */
import type { FrameSource, SourceFactory } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { clipSource } from './clip.js';
import { mjpegSource } from './mjpeg.js';
import { pushSource } from './push.js';

const DRIVERS: Readonly<Record<string, (url: URL) => FrameSource>> = {
  'clip:': clipSource,
  'http:': mjpegSource,
  'https:': mjpegSource,
  'push:': pushSource,
};

/** Makes the source that a URL names. The messages of its errors never repeat a URL that may hold credentials. */
export const sourceFactory: SourceFactory = (text) => {
  const scheme = /^\s*([a-z][a-z0-9+.-]*:)/i.exec(text)?.[1]?.toLowerCase();
  const driver = scheme === undefined ? undefined : DRIVERS[scheme];
  if (!driver) {
    const known = Object.keys(DRIVERS).join(', ');
    throw new GatewayError('bad_source', `source: expected a URL of one of ${known}, got ${scheme ?? 'no scheme'}`);
  }
  if (!URL.canParse(text)) throw new GatewayError('bad_source', `source: expected a valid URL after ${scheme}`);
  return driver(new URL(text));
};
