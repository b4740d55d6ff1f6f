/** The ports that others come to. */
import { z } from 'zod';
import { RULE } from '../grpc/auth-rules.js';
import { count, port, positiveMs } from './values.js';

const may = z
  .array(
    z
      .string()
      .max(256)
      .regex(RULE, 'expected *, watch, publish, connect, call or audio, one of these with :<name>, or /service/method'),
  )
  .min(1)
  .max(1_000)
  .describe(
    '`*`, `watch`, `publish`, `connect`, `call`, `audio`, `watch:front`, `call:echo.*`, `/sluice.v1.Gateway/*`.',
  );

const tls = z
  .strictObject({
    cert: z.string().min(1).describe("The server's certificate: PEM, or the path of a PEM file."),
    key: z.string().min(1).describe('Its private key: PEM, or the path of a PEM file.'),
    ca: z.string().min(1).optional().describe('Who signs the certificates of clients: PEM, or the path of a PEM file.'),
    requireClientCert: z
      .boolean()
      .default(false)
      .describe(
        'No connection without a certificate that `ca` signed. Without tokens and names such a client may do all.',
      ),
  })
  .superRefine(({ ca, requireClientCert }, context) => {
    if (!requireClientCert || ca !== undefined) return;
    context.addIssue({ code: 'custom', path: ['ca'], message: 'expected who signs the certificates of clients' });
  });

const auth = z
  .strictObject({
    tokens: z
      .array(
        z.strictObject({
          token: z
            .string()
            .min(1)
            .max(512)
            .regex(/^[\x21-\x7e]+$/, 'expected visible ASCII characters')
            .describe('What a caller sends as `authorization: Bearer <token>`.'),
          may,
        }),
      )
      .max(10_000)
      .default([])
      .describe('Without tokens and client certificates everybody may do everything, from this machine only.'),
    certificates: z
      .array(z.strictObject({ name: z.string().min(1).max(256).describe('Common name, DNS name or URI.'), may }))
      .max(10_000)
      .default([])
      .describe('What callers may do who bring no token, by their client certificate.'),
  })
  .prefault({});

export const grpcKeys = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(50_051).describe('0: any free one.'),
    keepalive: z
      .strictObject({
        timeMs: positiveMs.default(10_000).describe('A connection silent for so long is asked whether it lives.'),
        timeoutMs: positiveMs.default(5_000).describe('How long it may take to answer.'),
      })
      .prefault({}),
    tls: tls.optional(),
    auth,
    connectionsPerSecond: count.optional().describe('New connections that one address may open. Default: any number.'),
    maxMessageBytes: count.default(4 * 1024 * 1024).describe('A larger message ends its call with RESOURCE_EXHAUSTED.'),
  })
  .prefault({});

export const httpKeys = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(8_080).describe('0: any free one.'),
    token: z.string().min(8).max(512).optional().describe('Needed for actions. Without, the page is read-only.'),
    basePath: z
      .string()
      .max(256)
      .regex(/^(?:\/[\w.~-]+)+$/, 'expected a path such as /sluice, without a slash at its end')
      .optional()
      .describe('Where a proxy has put the page and the API.'),
    hostNames: z
      .array(z.string().min(1).max(256))
      .max(100)
      .default([])
      .describe('Names besides `host` under which it may be asked, as a proxy passes them on; without a port.'),
  })
  .prefault({});
