// Two users of a cloud in one room of a gateway: they hear each other, the gateway goes away and comes back, and they still do.
import { createGateway } from 'sluice';
import { AudioBridgeClient } from 'sluice/grpc';

const settings = { http: { port: 0 }, log: { level: 'warn' } };
const first = createGateway({ ...settings, grpc: { port: 0 } });
await first.start();
const address = first.addresses.grpc;

const cloud = new AudioBridgeClient(address, {
  uplink: { degradedMs: 100, retry: { initialMs: 50, maxMs: 500, jitter: 0.5 } },
  onEvent: ({ type }, userId) => console.log(`${userId}: ${type}`),
});
const ann = cloud.join({ userId: 'ann', room: 'hall' });
const bob = cloud.join({ userId: 'bob', room: 'hall' });
await Promise.all([ann.ready(), bob.ready()]);

// 20 ms of PCM16 at 16 kHz, every 20 ms; `say` never waits, and answers false while nobody can hear it.
const speaking = setInterval(() => ann.say(Buffer.alloc(640)), 20);
const chunks = bob[Symbol.asyncIterator]();
console.log('bob hears', (await chunks.next()).value.userId);

await first.stop();
const second = createGateway({ ...settings, grpc: { port: Number(address.split(':')[1]) } });
await second.start();
while (second.rooms.users < 2) await new Promise((resolve) => setTimeout(resolve, 10));
console.log('bob hears', (await chunks.next()).value.userId, 'again');

clearInterval(speaking);
await cloud.close();
await second.stop();
console.log('left behind:', cloud.census(), second.census());
