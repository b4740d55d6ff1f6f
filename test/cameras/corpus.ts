/** What the camera tests cut and play: real pictures of the demo clip, and streams made of them. */
import { readFileSync } from 'node:fs';
import { jpegEnd } from '../../src/cameras/jpeg.js';

const demo = readFileSync(new URL('../../src/cameras/clip/demo.mjpeg', import.meta.url));

/** The pictures of the demo clip. */
export const pictures: readonly Buffer[] = (() => {
  const all: Buffer[] = [];
  for (let start = 0; start < demo.length; ) {
    const end = jpegEnd(demo, start);
    if (end < 0) throw new Error(`the demo clip is damaged at byte ${start}`);
    all.push(demo.subarray(start, end));
    start = end;
  }
  return all;
})();

/** A small whole JPEG: headers of a real picture, and `bytes` of entropy-coded data with what occurs there. */
export function smallPicture(bytes: number, fill: number): Buffer {
  const head = (pictures[0] as Buffer).subarray(0, 20);
  const scan = Buffer.alloc(bytes, (fill % 0xfe) + 1);
  for (let at = 0; at + 1 < bytes; at += 7) scan.writeUInt16BE(at % 14 === 0 ? 0xff00 : 0xffd0 + (at % 8), at);
  return Buffer.concat([head, Buffer.from([0xff, 0xda, 0, 4, 1, 1]), scan, Buffer.from([0xff, 0xd9])]);
}

/** The picture with another whole JPEG in its EXIF segment, as cameras make them. */
export function withThumbnail(picture: Buffer, thumbnail: Buffer = smallPicture(900, 3)): Buffer {
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), thumbnail, Buffer.from([0, 0])]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(exif.length + 2, 2);
  return Buffer.concat([picture.subarray(0, 2), marker, exif, picture.subarray(2)]);
}

export interface PartStyle {
  readonly boundary?: string;
  readonly eol?: string;
  /** What Content-Length says of a picture; undefined leaves it out. */
  readonly length?: (picture: Buffer, index: number) => number | undefined;
  readonly contentLength?: string;
  /** What follows a picture before the next boundary. */
  readonly tail?: string;
}

export function part(picture: Buffer, index: number, style: PartStyle = {}): Buffer {
  const { boundary = '--ffmpeg', eol = '\r\n', contentLength = 'Content-length', tail = eol } = style;
  const length = style.length ? style.length(picture, index) : picture.length;
  const header = [
    boundary,
    'Content-type: image/jpeg',
    ...(length === undefined ? [] : [`${contentLength}: ${length}`]),
  ];
  return Buffer.concat([Buffer.from(header.join(eol) + eol + eol), picture, Buffer.from(tail)]);
}

export function multipart(all: readonly Buffer[], style?: PartStyle): Buffer {
  return Buffer.concat(all.map((picture, index) => part(picture, index, style)));
}
