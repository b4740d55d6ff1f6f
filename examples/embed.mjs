// A gateway inside a Node program: one camera, one look at it, an orderly end.
import { createGateway } from 'sluice';

const gateway = createGateway({
  grpc: { port: 0 },
  http: { port: 0 },
  log: { level: 'warn' },
  cameras: [{ id: 'demo', source: 'clip:' }],
});

gateway.on('process.down', ({ actor, reason }) => console.log(`DOWN ${actor}: ${reason}`));
await gateway.start();
console.log(`gRPC at ${gateway.addresses.grpc}, page at ${gateway.addresses.http}`);

const picture = await fetch(`${gateway.addresses.http}/cameras/demo/snapshot.jpg`);
console.log(
  `a picture of ${(await picture.arrayBuffer()).byteLength} bytes, ${gateway.resources().actors.total} actors`,
);

await gateway.stop();
console.log('left behind:', gateway.census());
