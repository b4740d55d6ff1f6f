/** What a hello may say: names of bounded length, this gateway's realm, and who then is a client. */
import { registrationError } from './client.js';
import type { ClientInfo } from './client-manager.js';
import { GatewayError } from './gateway-error.js';
import type { Hello } from './transport.js';

/** Longest name that a client may give for itself or its endpoint, in characters, and how many capabilities it may list. */
const NAME_LENGTH_MAX = 256;
const CAPABILITIES_MAX = 100;

/** Reads a hello. Throws a `GatewayError` that names the field. An empty realm is the gateway's own. */
export function clientInfoOf(hello: Hello, realm: string): ClientInfo {
  const { nodeId, endpoint, capabilities } = hello;
  if (nodeId === '') throw registrationError('node_id_required', '');
  checkName('hello.node_id', nodeId);
  checkName('hello.endpoint', endpoint);
  for (const capability of capabilities) checkName('hello.capabilities', capability);
  if (capabilities.length > CAPABILITIES_MAX) {
    throw new GatewayError(
      'invalid_argument',
      `hello.capabilities: expected at most ${CAPABILITIES_MAX}, got ${capabilities.length}`,
    );
  }
  if (hello.realm !== '' && hello.realm !== realm) {
    throw new GatewayError(
      'permission_denied',
      `permission_denied: hello.realm: expected "${realm}" or nothing, got "${hello.realm}"`,
    );
  }
  // An app that drops has a grace of its own, that of its actor; its connection is not waited for twice.
  const resumable = hello.role === 'client';
  return { nodeId, realm, capabilities, resumable, ...(endpoint === '' ? {} : { endpoint }) };
}

export function checkName(field: string, text: string): void {
  if (text.length <= NAME_LENGTH_MAX) return;
  throw new GatewayError(
    'invalid_argument',
    `${field}: expected at most ${NAME_LENGTH_MAX} characters, got ${text.length}`,
  );
}
