/** How fast the parser cuts pictures, in the ways that servers send them. It copies each picture out once. */
import { MjpegParser } from '../../src/cameras/mjpeg-parser.js';

const PICTURE_BYTES = 50 * 1024;
const PICTURES = 400;
const ROUNDS = 5;

/** A JPEG by its markers: a header segment, then entropy-coded data with escapes and restart markers in it. */
export function picture(bytes = PICTURE_BYTES): Buffer {
  const scan = Buffer.alloc(bytes - 14);
  for (let at = 0; at < scan.length; at += 1) scan[at] = (at * 167) % 0xff;
  for (let at = 100; at + 1 < scan.length; at += 300) scan.writeUInt16BE(at % 600 === 100 ? 0xff00 : 0xffd3, at);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xda, 0, 2]),
    scan,
    Buffer.from([0xff, 0xd9]),
  ]);
}

export function part(jpeg: Buffer, length = true): Buffer {
  const header = `--frame\r\nContent-Type: image/jpeg\r\n${length ? `Content-Length: ${jpeg.length}\r\n` : ''}\r\n`;
  return Buffer.concat([Buffer.from(header), jpeg, Buffer.from('\r\n')]);
}

export function measureParser(): void {
  const jpeg = picture();
  const kinds = { 'with lengths': part(jpeg), 'without lengths': part(jpeg, false), 'bare pictures': jpeg };
  for (const [kind, one] of Object.entries(kinds)) {
    const stream = Buffer.concat(Array.from({ length: PICTURES }, () => one));
    const rates = [64 * 1024, 4 * 1024].map((chunkBytes) => {
      const rounds = Array.from({ length: ROUNDS }, () => megabytesPerSecond(stream, chunkBytes)).sort((a, b) => a - b);
      return `${rounds[ROUNDS >> 1]?.toFixed(0)} MB/s in chunks of ${chunkBytes / 1024} KiB`;
    });
    console.log(`parser, ${kind}: ${rates.join(', ')}`);
  }
}

function megabytesPerSecond(stream: Buffer, chunkBytes: number): number {
  let pictures = 0;
  const parser = new MjpegParser({
    onPicture: () => {
      pictures += 1;
    },
  });
  const beganMs = performance.now();
  for (let at = 0; at < stream.length; at += chunkBytes) parser.push(stream.subarray(at, at + chunkBytes));
  const seconds = (performance.now() - beganMs) / 1_000;
  if (pictures !== PICTURES || parser.torn > 0)
    throw new Error(`${pictures} of ${PICTURES} pictures, ${parser.torn} torn`);
  return stream.length / seconds / 1e6;
}
