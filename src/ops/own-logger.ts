/**
 * The logger of a gateway whose host brings none. What is said of events has no secrets in it already; this hides what an error
 * or a field of somebody else's may carry.
 */
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { HIDDEN, withoutSecrets } from '../gateway/redaction.js';

const NAMES = ['token', 'authorization', 'apiKey', 'secret', 'password', 'cookie', '["x-api-key"]', '["api-key"]'];
/** At the top, in any object there, and in one within it: `headers.authorization`, `request.headers.authorization`. */
const PATHS = NAMES.flatMap((name) => {
  const member = name.startsWith('[') ? name : `.${name}`;
  return [name, `*${member}`, `*.*${member}`];
});

export function ownLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      redact: { paths: PATHS, censor: HIDDEN },
      serializers: {
        err: (thrown: Error) => {
          const error = stdSerializers.err(thrown);
          return {
            ...error,
            message: withoutSecrets(String(error.message)),
            stack: withoutSecrets(String(error.stack)),
          };
        },
      },
    },
    destination,
  );
}
