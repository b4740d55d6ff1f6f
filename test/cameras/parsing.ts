/** Runs the parser over bytes, and says what has to be true of what comes out. */
import { expect } from 'vitest';
import { MjpegParser } from '../../src/cameras/mjpeg-parser.js';

/** Everything the parser makes of the bytes, given in chunks of so many, and the parser. */
export function parse(bytes: Buffer, chunkBytes = bytes.length, bufferBytesMax?: number) {
  const out: Buffer[] = [];
  const parser = new MjpegParser({
    onPicture: (picture) => out.push(picture),
    ...(bufferBytesMax === undefined ? {} : { bufferBytesMax }),
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes));
  return { out, parser };
}

export function expectPictures(out: readonly Buffer[], expected: readonly Buffer[]): void {
  expect(out.map((picture) => picture.length)).toEqual(expected.map((picture) => picture.length));
  expect(out.every((picture, at) => picture.equals(expected[at] as Buffer))).toBe(true);
}

/** Every picture that came out went in, and in that order. */
export function expectNoneTorn(out: readonly Buffer[], sent: readonly Buffer[]): void {
  let from = 0;
  for (const picture of out) {
    const at = sent.findIndex((candidate, index) => index >= from && candidate.equals(picture));
    expect(at, `a picture of ${picture.length} bytes that was never sent`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}
