/** `npm run -s bench -- COMMAND …`: the benchmarks by name. Without a name, or with a scale, the kernel beside Erlang. */
const COMMANDS: Readonly<Record<string, () => Promise<unknown>>> = {
  audio: () => import('./audio/main.js'),
  cameras: () => import('./cameras/main.js'),
  cluster: () => import('./cluster/main.js'),
  drain: () => import('./drain/main.js'),
  flight: () => import('./flight/main.js'),
  latency: () => import('./latency/main.js'),
  ops: () => import('./ops/main.js'),
  relay: () => import('./relay/main.js'),
  'slow-readers': () => import('./slow-readers/main.js'),
  upload: () => import('./upload/main.js'),
};

await (COMMANDS[process.argv[2] ?? ''] ?? (() => import('./otp/main.js')))();
