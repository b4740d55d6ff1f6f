/**
 * Cameras in a process of their own: each request to `/` gets MJPEG at 15 frames per second, `/first` one picture and silence, and
 * `/refused` a 503. It says its port, and on each line from the parent how many connections were open at most.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { part, picture } from './parser.js';

const FPS = 15;
const one = part(picture());
const watching = new Set<ServerResponse>();
let openMost = 0;

const server = createServer((request, response) => {
  if (request.url === '/refused') {
    response.writeHead(503).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' }).write(one);
  watching.add(response);
  openMost = Math.max(openMost, watching.size);
  response.once('close', () => watching.delete(response));
});

// All cameras at once, as of one machine; who does not read in time gets no more, so that this process stays small.
setInterval(() => {
  for (const response of watching) {
    if (response.req.url === '/' && response.writableLength < 1024 * 1024) response.write(one);
  }
}, 1_000 / FPS);

createInterface({ input: process.stdin })
  .on('line', () => {
    console.log(JSON.stringify({ openMost }));
    openMost = watching.size;
  })
  .once('close', () => process.exit());

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
