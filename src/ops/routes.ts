/**
 * What is asked under which path, and what is needed to ask it. A path has at most one reading and one acting answer;
 * everything else about a request (who sends it, limits, errors, HEAD, 405) is the handler's.
 */
import { act, collectGarbage, drain, evict, logLevel, setLogLevel, undrain } from './actions.js';
import { answerJson, answerLasting, answerText } from './answer.js';
import { chartDrawing } from './charts.js';
import { eventFilter } from './event-filter.js';
import { distinct, eventRow } from './event-row.js';
import type { Exchange } from './exchange.js';
import { flight } from './flight/route.js';
import { heapSnapshot } from './heap-snapshot.js';
import { metricsAnswer } from './metrics-text.js';
import { openApi } from './openapi.js';
import { webPage } from './page.js';
import { pageOf, wholeNumber } from './paging.js';
import { recordedFile, recordedView, recordings } from './recordings.js';
import { health, systemResources } from './reports.js';
import { snapshot } from './snapshot.js';
import { actor, rankedIfAsked, tree } from './structure-routes.js';
import { whyStory } from './why-story.js';

/** `open`: carries nothing about this gateway. `read`: free on loopback. `act`: always with the token. */
export type Needs = 'open' | 'read' | 'act';

export interface Endpoint {
  readonly needs: Needs;
  readonly run: (exchange: Exchange) => void | Promise<void>;
}

export interface Resource {
  readonly GET?: Endpoint;
  readonly POST?: Endpoint;
}

const reads = (run: Endpoint['run']): Resource => ({ GET: { needs: 'read', run } });
const acts = (run: Endpoint['run']): Resource => ({ POST: { needs: 'act', run } });

/** The first that fits a path answers it. Ids may be one encoded segment or the raw rest of the path. */
export const ROUTES: readonly (readonly [RegExp, Resource])[] = [
  [/^\/$/, { GET: { needs: 'open', run: thePage } }],
  [/^\/livez$/, { GET: { needs: 'open', run: ({ res }) => answerText(res, 200, 'alive') } }],
  [/^\/readyz$/, { GET: { needs: 'open', run: readiness } }],
  [/^\/health$/, reads(({ res, gateway, ready }) => answerJson(res, 200, health(gateway, ready())))],
  [/^\/metrics$/, reads(metricsAnswer)],
  [/^\/system-resources$/, reads(async ({ res, gateway }) => answerJson(res, 200, await systemResources(gateway)))],
  [/^\/cleanup-resources$/, acts(({ res, gateway }) => answerJson(res, 200, { removed: gateway.cleanUp() }))],
  [/^\/api\/openapi\.json$/, reads(theDocument)],
  [/^\/api\/tree$/, reads(tree)],
  [/^\/api\/(actors|clients|sessions|streams|cameras|rooms|services|calls|topics|channels)$/, reads(collection)],
  [/^\/api\/actors\/(.+)\/(stop|kill|restart)$/, acts(act)],
  [/^\/api\/actors\/(.+)\/flight$/, reads(flight)],
  [/^\/api\/actors\/(.+)$/, reads(({ res, gateway, params }) => answerJson(res, 200, actor(gateway, params[0])))],
  [/^\/api\/cluster$/, reads(({ res, gateway }) => answerJson(res, 200, { cluster: gateway.cluster() ?? null }))],
  [
    /^\/api\/leaks$/,
    reads(({ res, gateway, metrics }) => {
      const undisposed = metrics?.undisposed;
      answerJson(res, 200, { ...gateway.leaks(), ...(undisposed === undefined ? {} : { undisposed }) });
    }),
  ],
  [
    /^\/api\/charts\/([^/]+)\.svg$/,
    reads(({ req, res, params }) => answerLasting(req, res, 'image/svg+xml', chartDrawing(params[0] ?? ''))),
  ],
  [/^\/api\/events$/, reads(events)],
  [/^\/api\/why\/(.+)$/, reads(why)],
  [/^\/api\/channels\/(.+)\/evict$/, acts(evict)],
  [/^\/api\/drain$/, acts(drain)],
  [/^\/api\/undrain$/, acts(undrain)],
  [/^\/api\/gc$/, acts(collectGarbage)],
  [/^\/api\/log-level$/, { ...reads(logLevel), ...acts(setLogLevel) }],
  [/^\/api\/heap-snapshot$/, acts(heapSnapshot)],
  [/^\/api\/login$/, acts(logIn)],
  [/^\/cameras\/([^/]+)\/snapshot\.jpg$/, reads(snapshot)],
  [/^\/cameras\/([^/]+)\/live\.mjpg$/, reads(live)],
  [/^\/cameras\/([^/]+)\/recording\.mjpg$/, reads(recordedView)],
  [/^\/cameras\/([^/]+)\/recordings\/([^/]+)\.mkv$/, reads(recordedFile)],
  [/^\/api\/recordings\/([^/]+)$/, reads(recordings)],
];

/** The resource under a path, and what its pattern caught, still encoded. */
export function resourceAt(
  path: string,
): { readonly resource: Resource; readonly caught: readonly string[] } | undefined {
  for (const [pattern, resource] of ROUTES) {
    const match = pattern.exec(path);
    if (match) return { resource, caught: match.slice(1) };
  }
  return undefined;
}

let document: Buffer | undefined;

function theDocument({ req, res }: Exchange): void {
  document ??= Buffer.from(JSON.stringify(openApi(resourceAt), undefined, 2));
  answerLasting(req, res, 'application/json; charset=utf-8', document);
}

function thePage({ req, res }: Exchange): void {
  const { html, policy } = webPage();
  res.setHeader('Content-Security-Policy', policy);
  answerLasting(req, res, 'text/html; charset=utf-8', html);
}

function readiness({ res, gateway, ready }: Exchange): void {
  if (gateway.draining) answerText(res, 503, 'draining');
  else if (ready()) answerText(res, 200, 'ready');
  else answerText(res, 503, 'starting: not every port is bound yet');
}

function collection(exchange: Exchange): void {
  const { res, gateway, params, query } = exchange;
  if (params[0] === 'actors' && rankedIfAsked(exchange)) return;
  const plural = params[0] as
    | 'actors'
    | 'clients'
    | 'sessions'
    | 'streams'
    | 'cameras'
    | 'rooms'
    | 'services'
    | 'calls'
    | 'topics'
    | 'channels';
  const { items, next } = pageOf<{ readonly id: string }>(gateway[plural](), query);
  answerJson(res, 200, next === undefined ? { [plural]: items } : { [plural]: items, next });
}

/** The chain of causes, from the last end back to the first failure, and the same as a paragraph. */
function why({ res, gateway, params: [id = ''] }: Exchange): void {
  const chain = gateway.why(id);
  answerJson(res, 200, { why: chain, paragraph: whyStory(id, chain) });
}

/**
 * Listens with `Accept: text/event-stream`, else lists. `?since=` and Last-Event-ID name the last event already seen;
 * `?type=`, `?reason=` and `?actor=` leave out others, and `?distinct=1` lists of repeats the last one only.
 * `?digest=1` listens to a summary four times a second, with the events that fit `?filter=`.
 */
function events(exchange: Exchange): void {
  const { req, res, gateway, query, streams } = exchange;
  const since = wholeNumber(query, 'since', 0, 0);
  const wanted = eventFilter(query);
  if (!(req.headers.accept ?? '').includes('text/event-stream')) {
    const found = gateway.events(since).filter(wanted);
    answerJson(res, 200, { events: (query.has('distinct') ? distinct(found) : found).map(eventRow) });
    return;
  }
  const resumed = /^\d{1,15}$/.exec(String(req.headers['last-event-id'] ?? ''))?.[0];
  if (query.has('digest')) {
    streams.digest(exchange, resumed === undefined ? since : Number(resumed), query.get('filter') ?? '');
    return;
  }
  streams.listen(exchange, resumed !== undefined ? Number(resumed) : query.has('since') ? since : undefined, wanted);
}

async function live(exchange: Exchange): Promise<void> {
  const { query, params } = exchange;
  const maxFps = wholeNumber(query, 'maxFps', 0, 0, 1000);
  const overflow = query.get('overflow') ?? '';
  await exchange.streams.view(exchange, { cameraId: params[0] ?? '', maxFps, overflow });
}

/** The token has been shown; from now on this browser may read without it. */
function logIn({ res, readCookie }: Exchange): void {
  res.setHeader('Set-Cookie', readCookie());
  res.statusCode = 204;
  res.end();
}
