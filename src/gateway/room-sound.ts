/**
 * Fetches the sound that somebody wants to play: a file of this machine, or over HTTP. Bounded in size and in time, and what
 * goes wrong is said without the URL, which may hold credentials.
 */
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Eight minutes at 16 kHz mono. */
export const SOUND_BYTES_MAX = 16 * 1024 * 1024;

/** It cannot be had. The message begins with a stable reason. */
export class SoundError extends Error {
  override readonly name = 'SoundError';
}

/** Rejects with a `SoundError`; with the signal's own reason when that is aborted. */
export type SoundLoader = (url: string, signal: AbortSignal) => Promise<Buffer>;

export const loadSound: SoundLoader = async (text, signal) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  switch (url?.protocol) {
    case 'file:':
      return readFile(url, signal);
    case 'http:':
    case 'https:':
      return download(url, signal);
    default:
      throw new SoundError('bad_url: expected a URL with file:, http: or https:');
  }
};

async function readFile(url: URL, signal: AbortSignal): Promise<Buffer> {
  try {
    const file = await open(fileURLToPath(url));
    try {
      const stat = await file.stat();
      // A pipe or a device may never end.
      if (!stat.isFile()) throw new SoundError('unreachable: expected a file');
      if (stat.size > SOUND_BYTES_MAX) throw tooLarge();
      return await file.readFile({ signal });
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw soundError(thrown, signal);
  }
}

async function download(url: URL, signal: AbortSignal): Promise<Buffer> {
  if (url.username !== '' || url.password !== '') throw new SoundError('bad_url: expected a URL without credentials');
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new SoundError(`unreachable: the server answered ${response.status}`);
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    // Leaving the loop early cancels the download.
    for await (const part of response.body) {
      bytes += part.length;
      if (bytes > SOUND_BYTES_MAX) throw tooLarge();
      parts.push(part);
    }
    return Buffer.concat(parts, bytes);
  } catch (thrown) {
    throw soundError(thrown, signal);
  }
}

function tooLarge(): SoundError {
  return new SoundError(`too_large: expected at most ${SOUND_BYTES_MAX} bytes`);
}

function soundError(thrown: unknown, signal: AbortSignal): unknown {
  if (thrown instanceof SoundError) return thrown;
  if (signal.aborted) return signal.reason;
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  const why = typeof code === 'string' ? code : cause?.code;
  return new SoundError(`unreachable: ${typeof why === 'string' ? why : 'it could not be read'}`, { cause: thrown });
}
