/** What the receiver of Stately's own package makes of lines that are sent to it over a real WebSocket. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { expect, onTestFinished, vi } from 'vitest';

interface Socket {
  send(text: string): void;
  terminate(): void;
}

interface WebSockets {
  readonly WebSocketServer: new (
    options: object,
  ) => {
    on(event: 'connection', fn: (socket: Socket) => void): void;
    close(): void;
  };
}

type Told = Readonly<Record<string, unknown>>;

export async function receivedByStately(lines: readonly string[]): Promise<readonly Told[]> {
  const peer = createRequire(createRequire(import.meta.url).resolve('@statelyai/inspect'));
  const { WebSocketServer } = peer('ws') as WebSockets;
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const sockets = new WebSocketServer({ server: http });
  const open: Socket[] = [];
  sockets.on('connection', (socket) => {
    open.push(socket);
    for (const line of lines) socket.send(line);
  });
  onTestFinished(() => {
    for (const socket of open) socket.terminate();
    sockets.close();
    http.close();
  });
  const seen: Told[] = [];
  const { port } = http.address() as AddressInfo;
  createWebSocketReceiver({ server: `ws://127.0.0.1:${port}` }).subscribe((event) => {
    seen.push(event as unknown as Told);
  });
  await vi.waitFor(() => expect(seen).toHaveLength(lines.length), { timeout: 15_000 });
  return seen;
}
