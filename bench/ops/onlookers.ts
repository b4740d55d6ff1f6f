/** The process of three pages that look: events as a digest, the figures and lists every two seconds, Prometheus every five. */
import { get } from 'node:http';
import { answer } from '../peer.js';

const PAGES = 3;
const LISTS = [
  '/system-resources',
  '/api/tree?children=50',
  '/api/cameras',
  '/api/streams?limit=100',
  '/api/sessions?limit=100',
];
const undo: (() => void)[] = [];
let bytes = 0;

function ask(port: number, path: string, accept = 'application/json'): () => void {
  const request = get({ host: '127.0.0.1', port, path, headers: { accept } }, (answered) => {
    answered.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
  });
  request.on('error', () => {});
  return () => request.destroy();
}

function every(ms: number, fn: () => void): void {
  fn();
  const timer = setInterval(fn, ms);
  undo.push(() => clearInterval(timer));
}

answer({
  look: ({ port }: { port: number }) => {
    for (let page = 0; page < PAGES; page += 1) {
      undo.push(ask(port, '/api/events?digest=1', 'text/event-stream'));
      every(2_000, () => {
        for (const path of LISTS) ask(port, path);
      });
    }
    every(5_000, () => ask(port, '/metrics', 'text/plain'));
  },
  leave: () => {
    for (const one of undo.splice(0)) one();
    return bytes;
  },
});
