/**
 * Frames from one node to ten, each over a connection of its own: 30 a second of 100 KiB, through the relay and bare, on one server. Then
 * with one of the ten that says nothing any more. Sender, receivers and the server share this machine.
 */
import { openNatsMedia } from '../../src/cluster/nats/nats-media.js';
import { type Media, RelaySender } from '../../src/cluster/relay-send.js';
import { RelayWatcher } from '../../src/cluster/relay-watch.js';
import type { FrameConsumer } from '../../src/gateway/camera.js';
import type { SourceAttempt } from '../../src/gateway/frame-source.js';
import { realClock } from '../../src/otp/clock.js';
import { type Row, row, share } from './samples.js';
import type { Servers } from './servers.js';

const WATCHERS = 10;
const FRAME_BYTES = 100 * 1024;
const FRAME_MS = 1_000 / 30;
const SECONDS = 5;
const P99_MS = 50;

export async function frames(servers: Servers): Promise<Row[]> {
  const open = (node: string) =>
    openNatsMedia({ servers: servers.urls, prefix: 'frames', replicas: 1, storage: 'file', eraBump: 0, node });
  const from = await open('owner');
  const to = await Promise.all(Array.from({ length: WATCHERS }, (_, at) => open(`w${at}`)));

  const bareMs: number[] = [];
  const undo = to.map((media, at) => media.subscribe(`bare.w${at}`, (body) => void bareMs.push(ageMs(body))));
  await pace(() => {
    for (let at = 0; at < WATCHERS; at += 1) from.publish(`bare.w${at}`, stamped());
  });
  for (const stop of undo) stop();

  const consumers = new Set<FrameConsumer>();
  const sender = new RelaySender({
    node: 'owner',
    inc: () => 1,
    mayAct: () => true,
    media: from,
    clock: realClock,
    camera: () => ({
      join: (consumer) => {
        consumers.add(consumer);
        return () => consumers.delete(consumer);
      },
    }),
    onSlow: () => {},
  });
  let deaf = false;
  let relayMs: number[] = [];
  const attempts = to.map((media, at) => {
    const quiet = at === 0 ? silenced(media, () => deaf) : media;
    return watch(quiet, `w${at}`, (body) => void relayMs.push(ageMs(body)));
  });
  while (consumers.size < WATCHERS) await new Promise((resolve) => setTimeout(resolve, 20));
  const push = (): void => {
    const picture = stamped();
    const frame = { cameraId: 'door', seq: 1, timestampMs: 0, contentType: 'image/jpeg', key: true, picture };
    for (const consumer of consumers) consumer.push({ ...frame, message: picture });
  };
  await pace(push);
  const allMs = relayMs;
  relayMs = [];
  deaf = true;
  await pace(push);
  const dropped = sender.views().reduce((sum, view) => sum + view.dropped, 0);
  console.log(
    `${allMs.length} of ${Math.round(SECONDS * 30) * WATCHERS} frames; with one of the ten silent the others' p99 changed by ${(share(relayMs, 0.99) - share(allMs, 0.99)).toFixed(1)} ms (< 50), ${dropped} dropped for that one`,
  );
  await Promise.all(attempts.map((attempt) => attempt.close()));
  sender.close();
  await Promise.all([from, ...to].map((media) => media.close()));
  const what = `a frame of 100 KiB at 30 a second to ${WATCHERS} nodes`;
  return [row(what, allMs, P99_MS, bareMs), row(`${what}, one of them silent`, relayMs, P99_MS, bareMs)];
}

function watch(media: Media, node: string, onPicture: (body: Uint8Array) => void): SourceAttempt {
  const watcher = new RelayWatcher();
  watcher.reachedBy({ node, inc: () => 1, media, nodeOf: () => 'owner' });
  return watcher
    .source('door')
    .open({ opened: () => {}, picture: ({ data }) => onPicture(data), failed: () => {} }, { clock: realClock });
}

/** It neither hears nor says anything while it is deaf, as one that is stopped. */
function silenced(media: Media, deaf: () => boolean): Media {
  return {
    messageBytesMax: media.messageBytesMax,
    publish: (subject, body) => {
      if (!deaf()) media.publish(subject, body);
    },
    subscribe: (subject, onMessage) =>
      media.subscribe(subject, (body, on) => {
        if (!deaf()) onMessage(body, on);
      }),
  };
}

async function pace(send: () => void): Promise<void> {
  const beganMs = performance.now();
  for (let n = 0; n < SECONDS * 30; n += 1) {
    const waitMs = beganMs + n * FRAME_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
    send();
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}

function stamped(): Buffer {
  const body = Buffer.alloc(FRAME_BYTES);
  body.writeDoubleBE(performance.now());
  return body;
}

function ageMs(body: Uint8Array): number {
  return performance.now() - new DataView(body.buffer, body.byteOffset).getFloat64(0);
}
