/** The page and the API, for a host that mounts them itself. */
export { createHttpHandler, type HttpHandler, type HttpHandlerOptions } from './handler.js';
export { type HttpServer, type HttpServerOptions, startHttpServer } from './http.js';
