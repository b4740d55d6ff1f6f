// A detector that looks at every frame of a camera. Its model is heavy, 200 MB; the gateway holds it for the camera, so that it
// is loaded once and given back however the camera ends. This one recognises nothing: it shows where the memory goes.
// For a figure that is not at the mercy of the collector: node --expose-gc examples/detector.mjs
import { createGateway } from 'sluice';

const MODEL_BYTES = 200 * 1024 * 1024;
const megabytes = () => Math.round(process.memoryUsage().arrayBuffers / 1024 / 1024);

const detector = {
  kind: 'model',
  load: async () => ({ weights: Buffer.alloc(MODEL_BYTES, 1) }),
  process: ({ weights }, { seq, picture }) => {
    if (weights[picture.length % weights.length] !== 1) throw new Error('the model was taken away');
    // What a detector throws is noted and the next frame comes.
    if (seq % 10 === 0) throw new Error(`frame ${seq} has no face`);
    frames += 1;
  },
  dispose: (model) => {
    model.weights = undefined;
    disposed += 1;
  },
  collectGarbage: true,
};

let frames = 0;
let disposed = 0;
const gateway = createGateway({
  grpc: { port: 0 },
  http: { port: 0 },
  log: { level: 'silent' },
  cameras: [{ id: 'door', source: 'clip:?fps=50', lingerMs: 0 }],
});
await gateway.start();
const before = megabytes();

for (const run of [1, 2, 3]) {
  frames = 0;
  const undo = gateway.cameras.process('door', detector);
  while (frames < 10) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(`run ${run}: ${gateway.census().model} model, ${megabytes() - before} MB more`);
  undo();
  while (disposed < run) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(`run ${run}: ${gateway.census().model ?? 0} models`);
}

// Where nobody can ask for it, the memory comes back when the collector next looks: a little garbage makes it.
for (let n = 0; n < 500 && megabytes() - before > 50; n += 1) {
  Buffer.alloc(4 * 1024 * 1024);
  await new Promise((resolve) => setImmediate(resolve));
}
console.log(`afterwards: ${megabytes() - before} MB more than at the beginning`);
await gateway.stop();
console.log('left behind:', gateway.census());
process.exitCode = disposed === 3 && megabytes() - before < 50 ? 0 : 1;
