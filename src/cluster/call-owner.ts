/** What a call says of the gateway that makes it, for whoever is called: in whose name, and under which token. */
import { KEY_HEADER, TOKEN_HEADER } from '../gateway/ownership.js';
import { NO_TOKEN, parseToken, type Token } from './token.js';

/** Metadata of a gRPC call, as grpc-js and nice-grpc have it, or the headers of a `Request`. */
export interface CallMetadata {
  get(name: string): readonly (string | Uint8Array)[] | string | null | undefined;
}

export interface CallOwner {
  /** `camera.door`. One owner at a time acts for it. */
  readonly key: string;
  readonly token: Token;
}

/**
 * Undefined where the call names no owner, as those of a gateway that is alone. A token that cannot be read is the lowest there
 * is: it is refused as soon as any other was seen.
 */
export function callOwner(metadata: CallMetadata): CallOwner | undefined {
  const key = first(metadata.get(KEY_HEADER));
  const token = first(metadata.get(TOKEN_HEADER));
  if (key === undefined || token === undefined) return undefined;
  return { key: decoded(key), token: parseToken(token) ?? NO_TOKEN };
}

function first(value: ReturnType<CallMetadata['get']>): string | undefined {
  const one = typeof value === 'string' ? value : value?.[0];
  return one === undefined ? undefined : String(one);
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    // Not written by a gateway; a name all the same.
    return key;
  }
}
