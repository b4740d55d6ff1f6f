import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../src/gateway/gateway-error.js';
import {
  CODE_OF_ERROR,
  DRAIN_RETRY_MS,
  PUSHBACK_HEADER,
  STATUS_OF_SHUTDOWN,
  statusOfError,
  statusOfReason,
} from '../../src/grpc/status.js';

// That every code and every detail is in these tables is checked by the compiler: they are total records.
const errorCodes = Object.keys(CODE_OF_ERROR) as ErrorCode[];

describe('a refusal', () => {
  it.each(errorCodes)('%s has a status that is no success, and its code first in the details', (code) => {
    const status = statusOfError(new GatewayError(code, 'the field x must be y'));
    expect(status.code).not.toBe(Code.OK);
    expect(status.code).not.toBe(Code.UNKNOWN);
    expect(status.details).toBe(`${code}: the field x must be y`);
  });

  it.each([
    ['camera_not_found', Code.NOT_FOUND],
    ['invalid_argument', Code.INVALID_ARGUMENT],
    ['max_clients_reached', Code.RESOURCE_EXHAUSTED],
    ['max_streams_reached', Code.RESOURCE_EXHAUSTED],
    ['draining', Code.UNAVAILABLE],
    ['superseded', Code.ABORTED],
    ['unauthenticated', Code.UNAUTHENTICATED],
    ['permission_denied', Code.PERMISSION_DENIED],
  ] as const)('%s is %i, as the contract says', (code, expected) => {
    expect(statusOfError(new GatewayError(code, '')).code).toBe(expected);
  });

  it('says its code once, also when the message begins with it', () => {
    expect(statusOfError(new GatewayError('superseded', 'superseded: by another')).details).toBe(
      'superseded: by another',
    );
  });

  it('says when to come back where that is known, and always while draining', () => {
    const pushback = (error: GatewayError) => statusOfError(error).metadata.get(PUSHBACK_HEADER);
    expect(pushback(new GatewayError('max_clients_reached', '', { retryAfterMs: 249.5 }))).toEqual(['250']);
    expect(pushback(new GatewayError('draining', ''))).toEqual([String(DRAIN_RETRY_MS)]);
    expect(pushback(new GatewayError('camera_not_found', ''))).toEqual([]);
  });

  it('of an unexpected error tells the peer nothing of its message', () => {
    const status = statusOfError(new Error('rtsp://admin:secret@camera failed'));
    expect(status.code).toBe(Code.INTERNAL);
    expect(status.details).not.toContain('secret');
  });

  it('quotes a long or broken name without breaking the header it travels in', () => {
    const { details } = statusOfError(
      new GatewayError('camera_not_found', `${'x'.repeat(481)}\u{1F3A5}${'y'.repeat(1e6)}`),
    );
    expect(details.length).toBeLessThanOrEqual(500);
    expect(() => encodeURI(details)).not.toThrow();
  });
});

describe('the end of a stream', () => {
  it.each(Object.keys(STATUS_OF_SHUTDOWN))('because of %s has a status', (detail) => {
    const status = statusOfReason({ shutdown: detail });
    expect(status.details).toMatch(status.code === Code.OK ? /^OK$/ : /^[a-z_]+: \S/);
  });

  it.each([
    ['normal', 'normal', Code.OK, 'OK'],
    ['ended', { shutdown: 'ended' }, Code.OK, 'OK'],
    ['superseded', { shutdown: 'superseded' }, Code.ABORTED, 'superseded: '],
    ['inactivity', { shutdown: 'inactivity' }, Code.DEADLINE_EXCEEDED, 'inactivity: '],
    ['slow consumer', { shutdown: 'slow_consumer' }, Code.RESOURCE_EXHAUSTED, 'slow_consumer: '],
    ['source failed', { shutdown: 'source_failed' }, Code.UNAVAILABLE, 'source_failed: '],
    ['drain', { shutdown: 'drain' }, Code.UNAVAILABLE, 'draining: '],
    ['an unknown detail', { shutdown: 'toString' }, Code.UNAVAILABLE, 'toString: '],
    [
      'a refusal in a shutdown',
      { shutdown: new GatewayError('camera_failed', 'gone') },
      Code.UNAVAILABLE,
      'camera_failed: gone',
    ],
    ['shutdown', 'shutdown', Code.UNAVAILABLE, 'shutdown: '],
    ['a kill', 'killed', Code.UNAVAILABLE, 'killed: '],
    ['a crash', new Error('a bug'), Code.INTERNAL, 'internal: '],
    ['a refusal', new GatewayError('permission_denied', 'no'), Code.PERMISSION_DENIED, 'permission_denied: no'],
  ] as const)('by %s is told', (_how, reason, code, details) => {
    const status = statusOfReason(reason);
    expect([status.code, status.details.slice(0, details.length)]).toEqual([code, details]);
  });

  it('by a drain carries the pushback', () => {
    expect(statusOfReason({ shutdown: 'drain' }).metadata.get(PUSHBACK_HEADER)).toEqual([String(DRAIN_RETRY_MS)]);
  });
});
