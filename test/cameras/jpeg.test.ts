import { describe, expect, it } from 'vitest';
import { BROKEN, INCOMPLETE, jpegEnd } from '../../src/cameras/jpeg.js';
import { smallPicture, withThumbnail } from './corpus.js';

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
