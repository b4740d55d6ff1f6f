/** The page and the API, for a host that mounts them itself. */

export type { Authorize, Grant } from './access.js';
export { createHttpHandler, type HttpHandler, type HttpHandlerOptions } from './handler.js';
export { type HttpServer, type HttpServerOptions, startHttpServer } from './http.js';
export { ActorObserver } from './inspector/observer.js';
export type { Onlooker } from './inspector/onlooker.js';
export { type Inspector, type InspectorOptions, startInspector } from './inspector/server.js';
export { type StatelyInspector, startStatelyInspector } from './inspector/stately-server.js';
