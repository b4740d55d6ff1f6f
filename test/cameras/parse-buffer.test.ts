import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MjpegParser, PARSE_BUFFER_BYTES_MAX } from '../../src/cameras/mjpeg-parser.js';
import { multipart, pictures, smallPicture, withThumbnail } from './corpus.js';
import { expectNoneTorn, expectPictures, parse } from './parsing.js';

const MIB = 1024 * 1024;
const real = pictures.slice(0, 6);
const small = [0, 1, 2, 3, 4].map((n) => smallPicture(150 + 40 * n, n));
const withThumbnails = real.map((picture) => withThumbnail(picture));

describe('a stream that floods the parse buffer', () => {
  const endless = Buffer.concat([smallPicture(100, 1).subarray(0, -2), Buffer.alloc(25 * MIB, 0x11)]);

  it.each([
    ['bare pictures', (all: readonly Buffer[]) => Buffer.concat(all)],
    ['multipart', (all: readonly Buffer[]) => multipart(all)],
  ])('S1-1 never holds more than 10 MiB, and keeps the last half when that is full (%s)', (_name, make) => {
    const out: Buffer[] = [];
    const parser = new MjpegParser({ onPicture: (picture) => out.push(picture) });
    parser.push(make(real));
    const flood = make([endless]);
    let before = parser.bufferedBytes;
    let halvings = 0;
    for (let at = 0; at < flood.length; at += 65536) {
      parser.push(flood.subarray(at, at + 65536));
      expect(parser.capacityBytes).toBeLessThanOrEqual(PARSE_BUFFER_BYTES_MAX);
      expect(parser.bufferedBytes).toBeLessThanOrEqual(PARSE_BUFFER_BYTES_MAX);
      if (parser.bufferedBytes < before) halvings += 1;
      before = parser.bufferedBytes;
    }
    expect(PARSE_BUFFER_BYTES_MAX).toBe(10 * MIB);
    expect(halvings).toBeGreaterThan(0);
    expect(parser.torn).toBe(1);
    parser.push(make(real));
    parser.push(make(real));
    expectNoneTorn(out.slice(real.length), [...real, ...real]);
    expect(out.length).toBeGreaterThanOrEqual(real.length * 2);
  });

  it('S1-3 goes on at the next start marker in the half that was kept, and emits nothing torn', () => {
    const bufferBytesMax = 128 * 1024;
    const all = withThumbnails.slice(0, 3);
    const stream = Buffer.concat([
      endless.subarray(0, 100 * 1024),
      ...all,
      endless.subarray(0, 200 * 1024),
      ...all,
      ...all,
    ]);
    for (const chunkBytes of [1000, 4096, 100_000, stream.length]) {
      const { out, parser } = parse(stream, chunkBytes, bufferBytesMax);
      expectNoneTorn(out, [...all, ...all, ...all]);
      expect(out.length).toBeGreaterThanOrEqual(all.length * 2);
      expect(parser.torn).toBeGreaterThanOrEqual(2);
      expect(parser.capacityBytes).toBeLessThanOrEqual(bufferBytesMax);
    }
  });

  it('S1-1 gives the pictures that are whole in the half that was kept', () => {
    // A broken picture whose last segment claims 64 KiB of what are pictures again; the buffer fills before that ends.
    const runsOn = Buffer.concat([endless.subarray(0, 70 * 1024), Buffer.from([0xff, 0xe1, 0xff, 0xff])]);
    const ten = pictures.slice(0, 10);
    const { out, parser } = parse(Buffer.concat([runsOn, ...ten, ...ten]), 4096, 128 * 1024);
    expectPictures(out, [...ten, ...ten]);
    expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
  });

  it('drops what has no start marker without filling up', () => {
    const { out, parser } = parse(Buffer.concat([Buffer.alloc(12 * MIB, 0x20), multipart(real)]), 65536);
    expectPictures(out, real);
    expect(parser.capacityBytes).toBeLessThan(MIB);
    expect(parser.resyncs).toBe(1);
  });
});

describe('a parser of anything at all', () => {
  it('stays within its limit and gives only what starts and ends like a picture', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(
        Buffer.from([0xff, 0xd8]),
        Buffer.from([0xff, 0xd9]),
        Buffer.from([0xff, 0xda, 0, 2]),
        Buffer.from([0xff, 0xe1, 0xff, 0xff]),
        Buffer.from('\r\n--b\r\nContent-Length: 300\r\n\r\n'),
        Buffer.from('\r\n--b\r\n\r\n'),
        smallPicture(60, 1),
        Buffer.alloc(900),
      ),
    );
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), fc.integer({ min: 1, max: 600 }), (pieces, chunkBytes) => {
        const { out, parser } = parse(Buffer.concat(pieces), chunkBytes, 2048);
        expect(parser.capacityBytes).toBeLessThanOrEqual(2048);
        for (const picture of out) {
          expect(picture.readUInt16BE(0)).toBe(0xffd8);
          expect(picture.readUInt16BE(picture.length - 2)).toBe(0xffd9);
        }
        expect(parser.pictures).toBe(out.length);
      }),
      { numRuns: 400 },
    );
  });

  it('recovers after any garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.boolean(), (garbage, bare) => {
        const make = bare ? (all: readonly Buffer[]) => Buffer.concat(all) : (all: readonly Buffer[]) => multipart(all);
        const { out } = parse(Buffer.concat([make(small), garbage, make([...small, ...small, ...small])]), 777, 4096);
        expect(out.slice(0, small.length).every((picture, at) => picture.equals(small[at] as Buffer))).toBe(true);
        expect(out.at(-1)?.equals(small.at(-1) as Buffer)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('copies a picture out once, into memory of its own', () => {
    const bytes = multipart(real);
    const { out } = parse(bytes);
    bytes.fill(0);
    expectPictures(out, real);
    expect(out.every((picture) => picture.buffer.byteLength === picture.length)).toBe(true);
  });
});
