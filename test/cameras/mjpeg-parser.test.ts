import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { MjpegParser } from '../../src/cameras/mjpeg-parser.js';
import { multipart, part, pictures, smallPicture, withThumbnail } from './corpus.js';
import { expectNoneTorn, expectPictures, parse } from './parsing.js';

const real = pictures.slice(0, 6);
const small = [0, 1, 2, 3, 4].map((n) => smallPicture(150 + 40 * n, n));
const withThumbnails = real.map((picture) => withThumbnail(picture));

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

describe('pictures as other encoders make them', () => {
  const image = () => sharp(real[0]);
  const kinds: Readonly<Record<string, () => Promise<Buffer>>> = {
    'progressive, in several scans': () => image().jpeg({ progressive: true }).toBuffer(),
    'of one colour': () => image().greyscale().jpeg().toBuffer(),
    'with profile and EXIF': () =>
      image()
        .withMetadata({ exif: { IFD0: { Copyright: 'nobody' } } })
        .jpeg()
        .toBuffer(),
    'with optimised tables': () => image().jpeg({ mozjpeg: true }).toBuffer(),
    'with restart markers': async () => smallPicture(4_000, 9),
  };

  it.each(Object.entries(kinds))('%s: are given whole, in every kind of stream', async (_kind, make) => {
    const all = [await make(), real[1] as Buffer, withThumbnail(await make())];
    for (const stream of Object.values(STREAMS)) {
      for (const chunkBytes of [65536, 999]) expectPictures(parse(stream(all), chunkBytes).out, all);
    }
  });
});

describe('a multipart stream with lengths that loses bytes', () => {
  const bytes = multipart(withThumbnails);

  it('drops exactly the damaged picture and goes on at the next boundary', () => {
    const first = part(withThumbnails[0] as Buffer, 0).length;
    for (const offset of [200, 1100, 3000, 6000]) {
      const damaged = Buffer.concat([bytes.subarray(0, first + offset), bytes.subarray(first + offset + 700)]);
      for (const chunkBytes of [4096, 1]) {
        const { out, parser } = parse(damaged, chunkBytes);
        expectPictures(out, [withThumbnails[0] as Buffer, ...withThumbnails.slice(2)]);
        expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
      }
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
    for (const chunkBytes of [4096, 1]) {
      const { out, parser } = parse(stream, chunkBytes);
      expectPictures(out, [...real.slice(0, 2), ...real.slice(3), ...real]);
      expect(parser).toMatchObject({ torn: 1, resyncs: 1 });
    }
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
