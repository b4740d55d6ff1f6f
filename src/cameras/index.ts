/** The drivers of this version, by the scheme of the source. */
import type { FrameSource, SourceDriver, SourceFactory, SourceOptions } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { clipSource } from './clip.js';
import { ffmpegSource } from './ffmpeg.js';
import { mjpegSource } from './mjpeg.js';
import type { ParserLimits } from './mjpeg-parser.js';
import { pushSource } from './push.js';
import { stillSource } from './still.js';

const DRIVERS: Readonly<Record<string, SourceDriver>> = {
  'clip:': clipSource,
  'http:': overHttp,
  'https:': overHttp,
  'push:': pushSource,
};

/** Sources whose text is ffmpeg's to read, and not a URL of this world's kind. */
const OF_FFMPEG: ReadonlySet<string | undefined> = new Set(['rtsp:', 'rtsps:', 'ffmpeg:']);

/** Makes the source that a URL names. The messages of its errors never repeat a URL that may hold credentials. */
export const sourceFactory: SourceFactory = (text, more = {}, options = {}) => {
  const scheme = /^\s*([a-z][a-z0-9+.-]*:)/i.exec(text)?.[1]?.toLowerCase();
  const driver = scheme === undefined ? undefined : (own(more, scheme) ?? own(DRIVERS, scheme));
  if (scheme !== 'http:' && scheme !== 'https:' && options.stillMs !== undefined) {
    throw new GatewayError('bad_source', `stillMs: expected a source of http: or https:, got ${scheme ?? 'no scheme'}`);
  }
  if (OF_FFMPEG.has(scheme)) return ffmpegSource(text, parserLimits(options));
  if (!driver) {
    const known = [...Object.keys(DRIVERS), ...Object.keys(more), ...OF_FFMPEG].join(', ');
    throw new GatewayError('bad_source', `source: expected a URL of one of ${known}, got ${scheme ?? 'no scheme'}`);
  }
  if (!URL.canParse(text)) throw new GatewayError('bad_source', `source: expected a valid URL after ${scheme}`);
  return driver(new URL(text), options);
};

function own(drivers: Readonly<Record<string, SourceDriver>>, scheme: string): SourceDriver | undefined {
  return Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
}

function overHttp(url: URL, options: SourceOptions): FrameSource {
  const { stillMs } = options;
  return stillMs === undefined
    ? mjpegSource(url, parserLimits(options))
    : stillSource(url, { ...parserLimits(options), everyMs: stillMs });
}

function parserLimits({ bufferBytes, chunkBytes }: SourceOptions): ParserLimits {
  return { bufferBytesMax: bufferBytes, chunkBytes };
}
