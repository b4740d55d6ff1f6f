/** What is refused around rooms, and in which words. */
import { GatewayError } from './gateway-error.js';
import { checkName } from './hello.js';

/** Throws `invalid_argument` naming the field when the text is no name. */
export function checkGiven(field: string, text: string): void {
  if (text === '') throw invalid(`${field}: expected a name, got an empty string`);
  checkName(field, text);
}

export function invalid(message: string): GatewayError {
  return new GatewayError('invalid_argument', message);
}

export function noSession(userId: string): GatewayError {
  return new GatewayError('session_not_found', `session_not_found: user "${userId}" is in no room`);
}
