/**
 * Reads WAV files and gives them as the one format of rooms: PCM16 mono at 16 kHz, a piece at a time, so that a long file
 * never holds up anybody. Integers of 8, 16, 24 and 32 bits and floats of 32 are read, channels are averaged, other rates
 * are converted: upwards along straight lines, downwards by the mean of what falls into a sample. That is good enough for
 * speech and announcements; whoever wants better converts before.
 */
import { BYTES_PER_SAMPLE, SAMPLE_RATE } from './room-transport.js';

/** The file is not what it has to be; the message says what was expected and what came. */
export class WavError extends Error {
  override readonly name = 'WavError';
}

type Reader = (bytes: Buffer, at: number) => number;

interface Format {
  readonly channels: number;
  readonly rate: number;
  readonly bytes: number;
  /** One value of one channel, from -1 to 1. */
  readonly read: Reader;
}

const PCM = 1;
const FLOAT = 3;
/** The real encoding stands further behind. */
const EXTENSIBLE = 0xfffe;
const CHANNELS_MAX = 32;
const RATE_MAX = 768_000;

const READERS: Readonly<Record<string, Reader>> = {
  [`${PCM}/8`]: (bytes, at) => (bytes.readUInt8(at) - 128) / 128,
  [`${PCM}/16`]: (bytes, at) => bytes.readInt16LE(at) / 2 ** 15,
  [`${PCM}/24`]: (bytes, at) => bytes.readIntLE(at, 3) / 2 ** 23,
  [`${PCM}/32`]: (bytes, at) => bytes.readInt32LE(at) / 2 ** 31,
  [`${FLOAT}/32`]: (bytes, at) => bytes.readFloatLE(at),
};

export class WavAudio {
  /** Samples at 16 kHz. */
  readonly length: number;
  readonly #format: Format;
  readonly #data: Buffer;
  readonly #frames: number;
  /** How many frames of the file one sample is. */
  readonly #ratio: number;

  /** Throws a `WavError`. */
  constructor(file: Buffer) {
    const { format, data } = partsOf(file);
    this.#format = format;
    this.#data = data;
    this.#frames = Math.floor(data.length / (format.channels * format.bytes));
    this.#ratio = format.rate / SAMPLE_RATE;
    this.length = Math.floor(this.#frames / this.#ratio);
  }

  get durationMs(): number {
    return Math.round((this.length * 1_000) / SAMPLE_RATE);
  }

  /** Up to `count` samples from `start`, as PCM16; what is louder than it can be is cut. */
  pcm(start: number, count: number, volume = 1): Buffer {
    const end = Math.min(start + count, this.length);
    const pcm = Buffer.alloc(Math.max(0, end - start) * BYTES_PER_SAMPLE);
    for (let sample = start; sample < end; sample += 1) {
      const value = Math.round(this.#sample(sample) * volume * 2 ** 15);
      pcm.writeInt16LE(Math.max(-(2 ** 15), Math.min(2 ** 15 - 1, value)), (sample - start) * BYTES_PER_SAMPLE);
    }
    return pcm;
  }

  #sample(index: number): number {
    const at = index * this.#ratio;
    const first = Math.floor(at);
    if (this.#ratio <= 1) {
      const here = this.#frame(first);
      return here + (this.#frame(Math.min(first + 1, this.#frames - 1)) - here) * (at - first);
    }
    const last = Math.max(first, Math.min(Math.ceil(at + this.#ratio), this.#frames) - 1);
    let sum = 0;
    for (let frame = first; frame <= last; frame += 1) sum += this.#frame(frame);
    return sum / (last - first + 1);
  }

  /** The mean of all channels. */
  #frame(index: number): number {
    const { channels, bytes, read } = this.#format;
    const from = index * channels * bytes;
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += read(this.#data, from + channel * bytes);
    return sum / channels;
  }
}

function partsOf(file: Buffer): { readonly format: Format; readonly data: Buffer } {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new WavError('expected a WAV file (RIFF … WAVE), got something else');
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= file.length; ) {
    const name = file.toString('latin1', at, at + 4);
    const body = at + 8;
    const size = file.readUInt32LE(at + 4);
    if (name === 'fmt ') format = formatOf(file.subarray(body, body + size));
    if (name === 'data') {
      if (!format) throw new WavError('expected "fmt " before "data"');
      // Who writes into a pipe does not know the size, and says 0 or as much as there can be.
      const data = size === 0 ? file.subarray(body) : file.subarray(body, body + size);
      return { format, data };
    }
    // Chunks begin at even places.
    at = body + size + (size % 2);
  }
  throw new WavError('expected a "data" chunk, got none');
}

function formatOf(chunk: Buffer): Format {
  if (chunk.length < 16) throw new WavError(`expected a "fmt " chunk of at least 16 bytes, got ${chunk.length}`);
  const tag = chunk.readUInt16LE(0);
  const encoding = tag === EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag;
  const channels = chunk.readUInt16LE(2);
  const rate = chunk.readUInt32LE(4);
  const bits = chunk.readUInt16LE(14);
  const read = READERS[`${encoding}/${bits}`];
  if (!read)
    throw new WavError(`expected PCM of 8, 16, 24 or 32 bits or floats of 32, got encoding ${encoding}, ${bits} bits`);
  if (channels < 1 || channels > CHANNELS_MAX)
    throw new WavError(`expected 1 to ${CHANNELS_MAX} channels, got ${channels}`);
  if (rate < 1_000 || rate > RATE_MAX) throw new WavError(`expected a rate of 1000 to ${RATE_MAX} Hz, got ${rate}`);
  return { channels, rate, bytes: bits / 8, read };
}
