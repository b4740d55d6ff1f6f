import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BROKEN, INCOMPLETE, jpegEnd } from '../../src/cameras/jpeg.js';
import { MjpegParser, PARSE_BUFFER_BYTES_MAX } from '../../src/cameras/mjpeg-parser.js';
import { multipart, part, pictures, smallPicture, withThumbnail } from './corpus.js';

const MIB = 1024 * 1024;
const real = pictures.slice(0, 6);
const small = [0, 1, 2, 3, 4].map((n) => smallPicture(150 + 40 * n, n));
const withThumbnails = real.map((picture) => withThumbnail(picture));

/** Everything the parser makes of the bytes, given in chunks of so many, and the parser. */
function parse(bytes: Buffer, chunkBytes = bytes.length, bufferBytesMax?: number) {
  const out: Buffer[] = [];
  const parser = new MjpegParser({
    onPicture: (picture) => out.push(picture),
    ...(bufferBytesMax === undefined ? {} : { bufferBytesMax }),
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes));
  return { out, parser };
}

function expectPictures(out: readonly Buffer[], expected: readonly Buffer[]): void {
  expect(out.map((picture) => picture.length)).toEqual(expected.map((picture) => picture.length));
  expect(out.every((picture, at) => picture.equals(expected[at] as Buffer))).toBe(true);
}

/** Every picture that came out went in, and in that order. */
function expectNoneTorn(out: readonly Buffer[], sent: readonly Buffer[]): void {
  let from = 0;
  for (const picture of out) {
    const at = sent.findIndex((candidate, index) => index >= from && candidate.equals(picture));
    expect(at, `a picture of ${picture.length} bytes that was never sent`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}

const STREAMS = {
  'multipart with lengths': (all: readonly Buffer[]) => multipart(all),
  'multipart with lengths and bare line feeds': (all: readonly Buffer[]) => multipart(all, { eol: '\n' }),
  'multipart with lengths in capitals': (all: readonly Buffer[]) => multipart(all, { contentLength: 'CONTENT-LENGTH' }),
  'multipart without line ends behind the pictures': (all: readonly Buffer[]) => multipart(all, { tail: '' }),
  'multipart without lengths': (all: readonly Buffer[]) => multipart(all, { length: () => undefined }),
  'multipart without lengths and with bare line feeds': (all: readonly Buffer[]) =>
    multipart(all, { length: () => undefined, eol: '\n' }),
  'multipart with a boundary without dashes': (all: readonly Buffer[]) => multipart(all, { boundary: 'myboundary' }),
  'multipart that begins with a line end': (all: readonly Buffer[]) =>
    Buffer.concat([Buffer.from('\r\n'), multipart(all, { length: () => undefined })]),
  'bare pictures one after the other': (all: readonly Buffer[]) => Buffer.concat(all),
  'bare pictures with zeros between them': (all: readonly Buffer[]) =>
    Buffer.concat(all.flatMap((picture) => [picture, Buffer.alloc(3)])),
};

describe.each(Object.entries(STREAMS))('%s', (_name, make) => {
  it.each([65536, 4096, 1000])('gives every picture, in chunks of %d bytes', (chunkBytes) => {
    const { out, parser } = parse(make(real), chunkBytes);
    expectPictures(out, real);
    expect(parser).toMatchObject({ pictures: real.length, resyncs: 0, torn: 0 });
  });

  it('gives pictures with EXIF thumbnails whole', () => {
    const { out, parser } = parse(make(withThumbnails), 4096);
    expectPictures(out, withThumbnails);
    expect(parser.torn).toBe(0);
  });

  it('gives every picture, split at every byte', () => {
    const all = [small[0], withThumbnail(small[1] as Buffer, small[2]), small[3]] as Buffer[];
    const bytes = make(all);
    for (let at = 0; at <= bytes.length; at += 1) {
      const out: Buffer[] = [];
      const parser = new MjpegParser({ onPicture: (picture) => out.push(picture) });
      parser.push(bytes.subarray(0, at));
      parser.push(bytes.subarray(at));
      expectPictures(out, all);
    }
    expectPictures(parse(bytes, 1).out, all);
  });

  it('gives every picture in chunks of any sizes', () => {
    const bytes = make(small);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const out: Buffer[] = [];
        const parser = new MjpegParser({ onPicture: (picture) => out.push(picture) });
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          parser.push(bytes.subarray(at, at + size));
          at += size;
        }
        expectPictures(out, small);
      }),
      { numRuns: 60 },
    );
  });

  it('gives nothing torn where a boundary, a header or a start marker is damaged', () => {
    // A loss inside the picture is another matter: without a length nobody can tell.
    const all = small.map((picture) => withThumbnail(picture));
    const bytes = make(all);
    const before = make(all.slice(0, 1)).length;
    const startMarker = bytes.indexOf(Buffer.from([0xff, 0xd8]), before);
    for (let at = before; at < startMarker + 2; at += 1) {
      for (let lost = 1; at + lost <= startMarker + 2; lost += 1) {
        const damaged = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + lost)]);
        const { out } = parse(damaged, 333);
        expectNoneTorn(out, all);
        expect(out.length).toBeGreaterThanOrEqual(all.length - 2);
      }
    }
  });
});

describe('a multipart stream with lengths that loses bytes', () => {
  const bytes = multipart(withThumbnails);

  it('drops exactly the damaged picture and goes on at the next boundary', () => {
    const first = part(withThumbnails[0] as Buffer, 0).length;
    for (const offset of [200, 1100, 3000, 6000]) {
      const damaged = Buffer.concat([bytes.subarray(0, first + offset), bytes.subarray(first + offset + 700)]);
      const { out, parser } = parse(damaged, 4096);
      expectPictures(out, [withThumbnails[0] as Buffer, ...withThumbnails.slice(2)]);
      expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
    }
  });

  it('gives nothing torn wherever the loss is, and loses at most two pictures', () => {
    const all = small.map((picture) => withThumbnail(picture));
    const stream = multipart(all);
    for (const lost of [1, 2, 61, 300]) {
      for (let at = 0; at + lost < stream.length; at += 3) {
        const damaged = Buffer.concat([stream.subarray(0, at), stream.subarray(at + lost)]);
        const { out } = parse(damaged, 500);
        expectNoneTorn(out, all);
        expect(out.length).toBeGreaterThanOrEqual(all.length - 2);
      }
    }
  });
});

describe('a multipart stream whose lengths lie', () => {
  it.each([
    ['too short by 10', -10],
    ['too long by 1', 1],
    ['too long by 300', 300],
    ['too long by several pictures', 9000],
  ])('resynchronises at the next boundary after one that is %s', (_name, by) => {
    const stream = multipart([...real, ...real], {
      length: (picture, index) => picture.length + (index === 2 ? by : 0),
    });
    const { out, parser } = parse(stream, 4096);
    expectPictures(out, [...real.slice(0, 2), ...real.slice(3), ...real]);
    expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
  });

  it('forgives zeros behind the picture that are counted in', () => {
    const padded = real.map((picture) => Buffer.concat([picture, Buffer.alloc(3)]));
    const { out, parser } = parse(multipart(padded), 4096);
    expectPictures(out, real);
    expect(parser.torn).toBe(0);
  });

  it('stops believing lengths that were wrong from the start', () => {
    const stream = multipart([...real, ...real], { length: (picture) => picture.length - 7 });
    const { out, parser } = parse(stream, 4096);
    expectPictures(out, [...real, ...real].slice(3));
    expect(parser.torn).toBe(3);
  });

  it('does not wait for a length beyond the buffer', () => {
    const stream = multipart(real, { length: () => 999_999_999_999 });
    expectPictures(parse(stream, 4096).out, real);
  });
});

describe('a stream without lengths in which a picture is cut short', () => {
  it('goes on with the very next part', () => {
    const cut = (real[1] as Buffer).subarray(0, 5000);
    const stream = multipart([real[0], cut, ...real.slice(2)] as Buffer[], { length: () => undefined });
    const { out, parser } = parse(stream, 4096);
    expectPictures(out, [real[0] as Buffer, ...real.slice(2)]);
    expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
  });

  it('goes on with the very next picture where there are no parts', () => {
    const stream = Buffer.concat([real[0] as Buffer, (real[1] as Buffer).subarray(0, 5000), ...real.slice(2)]);
    const { out, parser } = parse(stream, 4096);
    expectPictures(out, [real[0] as Buffer, ...real.slice(2)]);
    expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
  });
});

describe('a stream that is joined in the middle of a picture', () => {
  it('does not take the thumbnail for a picture', () => {
    const stream = Buffer.concat(withThumbnails).subarray(7);
    const { out, parser } = parse(stream, 1000);
    expectPictures(out, withThumbnails.slice(1));
    expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
  });
});

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

  it('recovers after any garbage within two pictures', () => {
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

describe('the end of a JPEG', () => {
  it('is known for every picture, and for none that is shorter', () => {
    const picture = withThumbnail(smallPicture(200, 5), smallPicture(90, 2));
    expect(jpegEnd(Buffer.concat([picture, picture]))).toBe(picture.length);
    for (let length = 0; length < picture.length; length += 1) {
      expect(jpegEnd(picture.subarray(0, length))).toBe(INCOMPLETE);
    }
  });

  it('is not looked for in what is no JPEG', () => {
    expect(jpegEnd(Buffer.from('not a picture'))).toBe(BROKEN);
    expect(jpegEnd(Buffer.from([0xff, 0xd8, 0x00, 0x01]))).toBe(BROKEN);
    expect(jpegEnd(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1]))).toBe(BROKEN);
    expect(jpegEnd(Buffer.from([0xff, 0xd8, 0xff, 0xd8]))).toBe(BROKEN);
  });
});
