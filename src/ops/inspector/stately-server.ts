/**
 * The Stately inspector on a loopback port: a page that shows it, and a WebSocket on which it is told what actors do. The
 * server that comes with `@statelyai/inspect` listens on every address, takes anybody's messages and shows who comes late the
 * last two hundred events; this one listens on this machine only, takes none, and shows the whole tree.
 *
 * The inspector itself is a page of Stately's, which draws the charts in the browser; it is given what this gateway says by
 * the page that embeds it, and by nobody else.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ActorObserver } from './observer.js';
import { HOST, refusal } from './server.js';
import { loadStatelyPeer, StatelyWriter, type ViewerSocket } from './stately.js';

/** The inspector that is shown. */
const INSPECTOR = 'https://stately.ai';
const VIEWERS_MAX = 4;
/** A viewer that reads so slowly that this much waits for it is cut off; it may come again and sees the present. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;
/** Viewers say nothing. */
const MESSAGE_BYTES_MAX = 1_024;

export interface StatelyInspector {
  readonly port: number;
  /** To be opened in a browser on this machine; over WebSocket, the same with `ws:`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Rejects when the port is taken, and with one clear line when the peer is not installed. */
export async function startStatelyInspector(
  observer: ActorObserver,
  { port = 0 }: { readonly port?: number } = {},
): Promise<StatelyInspector> {
  const peer = await loadStatelyPeer();
  const sockets = new peer.WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  const viewers = new Set<ViewerSocket>();

  const server = createServer((req, res) => {
    const refused = refusal(req);
    if (refused !== undefined) res.writeHead(refused).end();
    else res.writeHead(200, PAGE_HEADERS).end(PAGE);
  });
  const attend = (viewer: ViewerSocket): void => {
    viewers.add(viewer);
    const send = (text: string): void => {
      viewer.send(text);
      if (viewer.bufferedAmount > UNREAD_BYTES_MAX) viewer.terminate();
    };
    const unwatch = observer.attend(new StatelyWriter(peer, send, () => viewer.terminate()));
    // What is wrong with its connection is its end, which comes by itself.
    viewer.on('error', () => {});
    viewer.on('close', () => {
      unwatch();
      viewers.delete(viewer);
    });
  };
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refused = refusal(req) ?? (viewers.size >= VIEWERS_MAX ? 503 : undefined);
    if (refused !== undefined) socket.end(`HTTP/1.1 ${refused} Refused\r\nConnection: close\r\n\r\n`);
    else sockets.handleUpgrade(req, socket, head, attend);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`inspect.port: ${HOST}:${port} is already in use by another process`) : error);
    });
    server.listen(port, HOST, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    address: `http://${HOST}:${bound}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const viewer of viewers) viewer.terminate();
        server.closeAllConnections();
      }),
  };
}

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src ws:; frame-src ${INSPECTOR}`,
};

/** What comes before the inspector is ready waits for it; of a viewer that never gets ready only the latest is kept. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sluice: inspector</title>
<style>html, body, iframe { margin: 0; width: 100%; height: 100%; border: 0; overflow: hidden }</style>
<iframe src="${INSPECTOR}/inspect" title="Stately inspector"></iframe>
<script>
  const frame = document.querySelector('iframe');
  const waiting = [];
  let ready = false;
  addEventListener('message', ({ data, origin, source }) => {
    if (origin !== '${INSPECTOR}' || source !== frame.contentWindow || data?.type !== '@statelyai.connected') return;
    ready = true;
    for (const event of waiting.splice(0)) frame.contentWindow.postMessage(event, '${INSPECTOR}');
  });
  new WebSocket('ws://' + location.host + '/').onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (ready) frame.contentWindow.postMessage(event, '${INSPECTOR}');
    else if (waiting.push(event) > 10000) waiting.shift();
  };
</script>
`;
