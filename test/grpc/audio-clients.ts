/** Clients of the audio bridge for tests: their events as lines, and everything closed when a test is over. */
import { afterEach, expect } from 'vitest';
import type { UplinkEvent, UplinkOptions } from '../../src/gateway/uplink-transport.js';
import { AudioBridgeClient, type AudioBridgeClientOptions } from '../../src/grpc/audio-client.js';
import type { AudioConnection, HeardChunk } from '../../src/grpc/audio-connection.js';
import type { SluiceGateway } from '../../src/index.js';
import { eventually } from '../e2e/eventually.js';
import { runGateway } from './running-gateway.js';

/** Times that a test can wait for. */
export const QUICK: Partial<UplinkOptions> = {
  connectMs: 1_000,
  firstMessageMs: 1_000,
  heartbeatMs: 100,
  inactivityMs: 1_000,
  degradedMs: 100,
  retry: { initialMs: 20, maxMs: 100, jitter: 0.5 },
};

const clients: AudioBridgeClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) {
    await client.close();
    expect(client.census()).toEqual({});
  }
});

/** A client that is closed after the test, and must have left nothing. */
export function clientOf(target: string, options: AudioBridgeClientOptions = {}) {
  const events: string[] = [];
  const client = new AudioBridgeClient(target, {
    uplink: QUICK,
    onEvent: (event, userId) => events.push(`${userId} ${lineOf(event)}`),
    ...options,
  });
  clients.push(client);
  return { client, events };
}

function lineOf(event: UplinkEvent): string {
  return 'attempt' in event ? `${event.type} ${event.attempt}` : event.type;
}

/** Reads in the background. */
export function listen(connection: AudioConnection): HeardChunk[] {
  const heard: HeardChunk[] = [];
  void (async () => {
    for await (const chunk of connection) heard.push(chunk);
  })();
  return heard;
}

/** Speaks until somebody hears it. */
export async function flows(from: AudioConnection, heard: readonly HeardChunk[]): Promise<void> {
  const before = heard.length;
  await eventually('audio flows', () => {
    from.say(Buffer.alloc(640, 7));
    return heard.length > before;
  });
}

/** A gateway on the same port as one that has stopped. */
export async function again(address: string): Promise<SluiceGateway> {
  return (await runGateway({ cameras: [], grpc: { port: Number(address.split(':')[1]) } })).gateway;
}
