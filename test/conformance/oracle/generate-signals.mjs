#!/usr/bin/env node
// Random link/monitor/exit-signal scenarios.
//   node generate-signals.mjs --seed 1 --n 300 [--prefix sig]
const args = Object.fromEntries(
  process.argv
    .slice(2)
    .join(' ')
    .split('--')
    .filter(Boolean)
    .map((a) => a.trim().split(/\s+/)),
);
const SEED = Number(args.seed ?? 1),
  N = Number(args.n ?? 100),
  PREFIX = args.prefix ?? 'sig';
let st;
const rnd = () => {
  st = (st + 0x6d2b79f5) | 0;
  let t = Math.imul(st ^ (st >>> 15), 1 | st);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const int = (a, b) => a + Math.floor(rnd() * (b - a + 1));
const pick = (xs) => xs[Math.floor(rnd() * xs.length)];
const reason = () => pick(['boom', 'boom', 'boom', 'normal', 'normal', 'shutdown', '{shutdown,x}', 'kill']);
for (let i = 0; i < N; i++) {
  st = (SEED * 1_000_003 + i * 7919) | 0;
  for (let k = 0; k < 4; k++) rnd();
  const ps = ['a', 'b', 'c', 'd', 'e'].slice(0, int(3, 5));
  const steps = ps.map((p) => ({ op: 'spawn', p, ...(rnd() < 0.4 ? { trap: true } : {}) }));
  const refs = [];
  const n = int(6, 16);
  for (let k = 0; k < n; k++) {
    const r = rnd();
    const a = pick(ps),
      b = pick(ps);
    if (r < 0.36) steps.push({ op: 'link', a, b });
    else if (r < 0.42) steps.push({ op: 'unlink', a, b });
    else if (r < 0.62) {
      const ref = `m${refs.length}`;
      refs.push([a, ref]);
      steps.push({ op: 'monitor', a, b, ref });
    } else if (r < 0.7 && refs.length) {
      const [w, ref] = pick(refs);
      steps.push({ op: 'demonitor', a: w, ref, ...(rnd() < 0.5 ? { flush: true } : {}) });
    } else if (r < 0.75) steps.push({ op: 'trap', p: a, on: rnd() < 0.5 });
    else if (r < 0.87) steps.push({ op: 'exit_signal', from: a, to: b, reason: reason() });
    else if (r < 0.96) steps.push({ op: 'exit', p: a, reason: reason() });
    else steps.push({ op: 'stop', p: a, reason: pick(['normal', 'shutdown', 'boom']) });
  }
  process.stdout.write(`${JSON.stringify({ id: `${PREFIX}-${i}`, steps })}\n`);
}
