/** Reads the body of a request, within a limit. */
import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.js';

const BODY_BYTES_MAX = 64 * 1024;
/** So much of a body that is too large is still read and thrown away, so that the peer gets to read why it is refused. */
const DISCARD_BYTES_MAX = 1024 * 1024;

/** The JSON value in the body; an empty body is `undefined`. Throws 413 for a body above 64 KiB and 400 for no JSON. */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  const text = (await readBody(req)).toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body; what was wrong with it is the sender's to find.
    throw new HttpError(400, 'invalid_argument', 'body: expected JSON');
  }
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > DISCARD_BYTES_MAX) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) break;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (bytes > BODY_BYTES_MAX) throw tooLarge();
  return Buffer.concat(chunks);
}

function tooLarge(): HttpError {
  return new HttpError(413, 'body_too_large', `body: expected at most ${BODY_BYTES_MAX} bytes`, {
    Connection: 'close',
  });
}
