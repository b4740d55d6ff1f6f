import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.js';
import type { FlightRecorder } from './flight/recorder.js';
import type { HttpLog } from './http-log.js';
import type { MetricsText } from './metrics-text.js';
import type { OpenStreams } from './open-streams.js';

/** One request and what its answer is made from. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly gateway: Gateway;
  /** What the pattern of the path caught, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** Everything this server must end before it can stop. */
  readonly streams: OpenStreams;
  /** Who has recorded what actors took; undefined where nobody has. */
  readonly flights: FlightRecorder | undefined;
  readonly ready: () => boolean;
  /** Absent where nothing is logged. */
  readonly log: HttpLog | undefined;
  /** Absent where nobody has given any. */
  readonly metrics: MetricsText | undefined;
  readonly readCookie: () => string;
}
