/** What is refused of those who put up cameras and take them away. */
import { GatewayError } from './gateway-error.js';

/** The supervisor ended before it had answered: what it was asked for may be, or not. */
export function restarting(cause: unknown): never {
  throw new GatewayError('draining', 'draining: the cameras are restarting', { retryAfterMs: 100, cause });
}
