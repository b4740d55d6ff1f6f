/** The drivers of this version, by the scheme of the source. */
import type { FrameSource, SourceDriver, SourceFactory, SourceOptions } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { ArchiveFactory } from '../gateway/recording.js';
import { clipSource } from './clip.js';
import { ffmpegSource } from './ffmpeg.js';
import { jpegSource } from './jpeg-source.js';
import { JpegWorks } from './jpeg-works.js';
import { mjpegSource } from './mjpeg.js';
import type { ParserLimits } from './mjpeg-parser.js';
import { pushSource } from './push.js';
import { FolderArchive } from './recording-archive.js';
import { stillSource } from './still.js';

const DRIVERS: Readonly<Record<string, SourceDriver>> = {
  'clip:': clipSource,
  'http:': overHttp,
  'https:': overHttp,
  'push:': pushSource,
};

/** Sources whose text is ffmpeg's to read, and not a URL of this world's kind. */
const OF_FFMPEG: ReadonlySet<string | undefined> = new Set(['rtsp:', 'rtsps:', 'ffmpeg:']);

/** One for the process, because what it shares out is the process's: the threads. */
const works = new JpegWorks();

/** Keeps recordings in folders, a folder for each camera. */
export const folderArchives: ArchiveFactory = (cameraId, options) => new FolderArchive(cameraId, options, { works });

/** Makes the source that a URL names. The messages of its errors never repeat a URL that may hold credentials. */
export const sourceFactory: SourceFactory = (text, more = {}, options = {}) => {
  const source = sourceOf(text, more, options);
  const { jpeg, fps } = options;
  return jpeg === undefined ? source : jpegSource(source, { works, shape: jpeg, fps });
};

function sourceOf(text: string, more: Readonly<Record<string, SourceDriver>>, options: SourceOptions): FrameSource {
  const scheme = /^\s*([a-z][a-z0-9+.-]*:)/i.exec(text)?.[1]?.toLowerCase();
  const given = own(more, scheme);
  if (!given && options.stillMs !== undefined && scheme !== 'http:' && scheme !== 'https:') {
    throw new GatewayError('bad_source', `stillMs: expected a source of http: or https:, got ${scheme ?? 'no scheme'}`);
  }
  if (!given && OF_FFMPEG.has(scheme)) return ffmpegSource(text, parserLimits(options));
  const driver = given ?? own(DRIVERS, scheme);
  if (!driver) {
    const known = [...Object.keys(DRIVERS), ...Object.keys(more), ...OF_FFMPEG].join(', ');
    throw new GatewayError('bad_source', `source: expected a URL of one of ${known}, got ${scheme ?? 'no scheme'}`);
  }
  if (!URL.canParse(text)) throw new GatewayError('bad_source', `source: expected a valid URL after ${scheme}`);
  return driver(new URL(text), options);
}

function own(drivers: Readonly<Record<string, SourceDriver>>, scheme: string | undefined): SourceDriver | undefined {
  return scheme !== undefined && Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
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
