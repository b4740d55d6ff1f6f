/**
 * The API as an OpenAPI document, for tools that make clients and forms of it. Paths and what they are for stand here; which
 * methods there are and what they need is taken from the routes, and a test holds both against each other.
 */
import type { Resource } from './routes.js';

interface Told {
  readonly get?: string;
  readonly post?: string;
  /** Fields of the query. */
  readonly query?: readonly string[];
  /** Fields of the body, by JSON Schema type. */
  readonly body?: Readonly<Record<string, 'string' | 'number'>>;
}

const PAGED = ['limit', 'after'];

export const PATHS: Readonly<Record<string, Told>> = {
  '/': { get: 'The page.' },
  '/livez': { get: 'The process runs.' },
  '/readyz': { get: 'Every port is bound and it is not draining; else 503.' },
  '/health': { get: 'One glance: how it stands, who it is, and how many there are of everything.' },
  '/metrics': { get: 'Figures for Prometheus.' },
  '/system-resources': { get: 'Everything held, in numbers.' },
  '/cleanup-resources': { post: 'Sweeps now.' },
  '/api/openapi.json': { get: 'This document.' },
  '/api/tree': { get: 'The supervision tree.', query: ['children', 'rows', 'limit', 'open', 'fold', 'find'] },
  '/api/actors': { get: 'Living actors, or the first of them in an order.', query: [...PAGED, 'sort', 'filter'] },
  '/api/clients': { get: 'Clients.', query: PAGED },
  '/api/sessions': { get: 'Sessions.', query: PAGED },
  '/api/streams': { get: 'Open streams.', query: PAGED },
  '/api/cameras': { get: 'Cameras.', query: PAGED },
  '/api/rooms': { get: 'Rooms.', query: PAGED },
  '/api/services': { get: 'Registrations of procedures.', query: PAGED },
  '/api/calls': { get: 'Calls between clients that wait for their answer.', query: PAGED },
  '/api/topics': { get: 'Patterns that somebody subscribes to.', query: PAGED },
  '/api/channels': { get: 'Connections to other gRPC servers.', query: PAGED },
  '/api/channels/{id}/evict': { post: 'Shuts a connection.' },
  '/api/actors/{id}': { get: 'One actor in full.' },
  '/api/actors/{id}/flight': {
    get: 'Its last steps, as a file, one object or a diagram; its chart.',
    query: ['form', 'last'],
  },
  '/api/actors/{id}/stop': { post: 'Ends it in order.', body: { reason: 'string' } },
  '/api/actors/{id}/kill': { post: 'Ends it at once.', body: { reason: 'string' } },
  '/api/actors/{id}/restart': { post: 'Ends it; its supervisor starts it again.', body: { reason: 'string' } },
  '/api/cluster': { get: 'This gateway among the others; null where it is alone.' },
  '/api/leaks': { get: 'What is held and by whom, and what may never be.' },
  '/api/charts/{name}.svg': { get: 'The drawing of a chart.' },
  '/api/events': {
    get: 'What happened; with Accept: text/event-stream as it happens.',
    query: ['since', 'type', 'reason', 'actor', 'distinct', 'digest', 'filter'],
  },
  '/api/why/{id}': { get: 'From the last end of an actor back to the first failure.' },
  '/api/drain': { post: 'Refuses newcomers and tells everybody to go.', body: { deadlineMs: 'number' } },
  '/api/undrain': { post: 'Takes newcomers again.' },
  '/api/gc': { post: 'Collects garbage; the process stands still meanwhile.' },
  '/api/log-level': { get: 'The level of the log.', post: 'Sets it.', body: { level: 'string' } },
  '/api/heap-snapshot': { post: 'A heap snapshot as a file, with all secrets in it. One at a time, else 429.' },
  '/api/login': { post: 'Gives a browser the cookie with which it may read.' },
  '/api/recordings/{camera}': { get: 'What was recorded of a camera.', query: ['from', 'to'] },
  '/cameras/{camera}/snapshot.jpg': { get: 'One picture.' },
  '/cameras/{camera}/live.mjpg': { get: 'Moving pictures.', query: ['maxFps', 'overflow'] },
  '/cameras/{camera}/recording.mjpg': { get: 'Recorded pictures in their own time.', query: ['from', 'to', 'speed'] },
  '/cameras/{camera}/recordings/{segment}.mkv': { get: 'A recorded file.' },
};

const SECURITY = { open: [], read: [{}, { token: [] }], act: [{ token: [] }] } as const;
const REFUSAL = {
  description: 'A refusal.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
};

/** @param resourceAt finds what is asked under a path. */
export function openApi(resourceAt: (path: string) => { readonly resource: Resource } | undefined): unknown {
  const paths = Object.entries(PATHS).map(([path, told]) => {
    const resource = resourceAt(path.replace(/\{\w+\}/g, 'x'))?.resource;
    const parameters = [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name ?? '', 'path')),
      ...(told.query ?? []).map((name) => parameter(name, 'query')),
    ];
    const operations = (['get', 'post'] as const).flatMap((method) => {
      const endpoint = resource?.[method === 'get' ? 'GET' : 'POST'];
      const summary = told[method];
      if (!endpoint || summary === undefined) return [];
      const body = method === 'post' && told.body ? { requestBody: bodyOf(told.body) } : {};
      const security = SECURITY[endpoint.needs];
      const responses = { '2XX': { description: 'Done.' }, '4XX': REFUSAL, '5XX': REFUSAL };
      return [
        [
          method,
          {
            summary,
            parameters: method === 'get' ? parameters : parameters.filter(isOfPath),
            ...body,
            security,
            responses,
          },
        ],
      ];
    });
    return [path, Object.fromEntries(operations)];
  });
  return {
    openapi: '3.1.0',
    info: { title: 'Sluice', version: '1', description: 'The HTTP side of a gateway.' },
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Refusal: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' } },
            },
          },
        },
      },
    },
  };
}

interface Parameter {
  readonly in: 'path' | 'query';
}

function isOfPath(one: Parameter): boolean {
  return one.in === 'path';
}

function parameter(name: string, where: Parameter['in']): Parameter & object {
  return { name, in: where, required: where === 'path', schema: { type: 'string' } } as Parameter & object;
}

function bodyOf(fields: Readonly<Record<string, string>>): object {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }]));
  return { content: { 'application/json': { schema: { type: 'object', properties } } } };
}
