#!/usr/bin/env node
// Random supervision scenarios, one JSON object per line.
//   node generate-supervisors.mjs --seed 1 --n 400 [--prefix p]
// The output depends on the arguments only (own PRNG, no clock).

const args = Object.fromEntries(
  process.argv
    .slice(2)
    .join(' ')
    .split('--')
    .filter(Boolean)
    .map((a) => a.trim().split(/\s+/)),
);
const SEED = Number(args.seed ?? 1);
const N = Number(args.n ?? 100);
const PREFIX = args.prefix ?? `s${SEED}`;

function mulberry32(a) {
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

let rnd;
const int = (lo, hi) => lo + Math.floor(rnd() * (hi - lo + 1));
const chance = (p) => rnd() < p;
const failsAtFirst = () => chance(0.08);
const pick = (xs) => xs[Math.floor(rnd() * xs.length)];
function weighted(pairs) {
  let r = rnd() * pairs.reduce((s, [w]) => s + w, 0);
  for (const [w, v] of pairs) {
    r -= w;
    if (r < 0) return v;
  }
  return pairs.at(-1)[1];
}

const PERIOD = 3600;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const reason = () =>
  weighted([
    [45, 'boom'],
    [15, 'kill'],
    [14, 'normal'],
    [12, 'shutdown'],
    [8, '{shutdown,x}'],
    [6, 'oops'],
  ]);
const restartType = () =>
  weighted([
    [55, 'permanent'],
    [25, 'transient'],
    [20, 'temporary'],
  ]);
const intensity = (hot) =>
  hot
    ? weighted([
        [1.5, 0],
        [3.5, 1],
        [4, 2],
        [3, 3],
      ])
    : weighted([
        [1, 0],
        [2, 1],
        [3, 2],
        [3, 3],
        [3, 5],
        [2, 12],
      ]);

function failures(p, depth0) {
  if (!chance(p)) return undefined;
  if (depth0 && chance(0.06)) return [1];
  const first = int(2, 3);
  const len = weighted([
    [5, 1],
    [3, 2],
    [2, 3],
    [1, 6],
  ]);
  return Array.from({ length: len }, (_, i) => first + i);
}

function worker(id, o) {
  const c = { id };
  const r = restartType();
  if (!(r === 'permanent' && chance(0.5))) c.restart = r; // permanent is the default
  if (chance(0.35)) c.trap_exit = true;
  const sd = weighted([
    [60, undefined],
    [15, 'brutal_kill'],
    [10, 1000],
    [10, 'infinity'],
    [5, 'hang'],
  ]);
  if (sd === 'hang') {
    c.trap_exit = true;
    c.on_shutdown = 'hang';
    c.shutdown = pick([5, 10]);
    o.features.add('hang');
  } else if (sd !== undefined) c.shutdown = sd;
  if (c.trap_exit && !c.on_shutdown && chance(0.15)) {
    c.on_shutdown = pick(['exit:normal', 'exit:oops', 'exit:{shutdown,done}']);
    o.features.add('on_shutdown');
  }
  const f = failures(o.failP, o.depth === 0);
  if (f) {
    c.start_failures = f;
    o.features.add('start_failures');
  } else if (chance(0.07)) {
    c.start_ignores = [int(1, 3)];
    o.features.add('ignore');
  }
  if (o.auto !== 'never' && (c.restart ?? 'permanent') !== 'permanent' && chance(0.6)) c.significant = true;
  return c;
}

function supervisor(o, depth, path) {
  const strategy =
    o.simpleTop && depth === 0
      ? 'simple_one_for_one'
      : weighted([
          [4, 'one_for_one'],
          [4, 'one_for_all'],
          [4, 'rest_for_one'],
          [depth > 0 ? 1.2 : 0.6, 'simple_one_for_one'],
        ]);
  const s = { strategy, intensity: intensity(o.hot), period_s: PERIOD };
  if (strategy === 'simple_one_for_one') {
    o.features.add('simple_one_for_one');
    const t = worker('d', { ...o, auto: 'never', failP: 0, depth });
    delete t.start_ignores;
    s.children = [t];
    o.sups.push({ path, simple: true, dyn: [] });
    return s;
  }
  const auto = chance(o.autoP) ? pick(['any_significant', 'all_significant']) : 'never';
  if (auto !== 'never') {
    s.auto_shutdown = auto;
    o.features.add('auto_shutdown');
  }
  const n = weighted([
    [1, 0],
    [2, 1],
    [4, 2],
    [6, 3],
    [4, 4],
    [2, 5],
  ]);
  const entry = { path, simple: false, auto, workers: [], subs: [] };
  o.sups.push(entry);
  s.children = [];
  for (let i = 0; i < n; i++) {
    const id = NAMES[i];
    const p = `${path}/${id}`;
    if (depth < o.maxDepth && chance(o.nestP)) {
      o.features.add('nested');
      const r = restartType();
      const c = { id, type: 'supervisor', ...supervisor(o, depth + 1, p) };
      if (r !== 'permanent') c.restart = r;
      if (auto !== 'never' && r !== 'permanent' && chance(0.6)) c.significant = true;
      const f = failures(o.failP / 2, false);
      if (f) {
        c.start_failures = f;
        o.features.add('start_failures');
      }
      s.children.push(c);
      entry.subs.push(id);
    } else {
      s.children.push(worker(id, { ...o, auto, depth }));
      entry.workers.push(id);
    }
  }
  return s;
}

function corrupt(top, o) {
  o.features.add('invalid_spec');
  const c = top.children?.[0];
  const what = pick(['sig_never', 'sig_perm', 'dup', 'intensity', 'period', 'strategy']);
  if (what === 'intensity') top.intensity = -1;
  else if (what === 'period') top.period_s = 0;
  else if (what === 'strategy') top.strategy = 'none_for_one';
  else if (!c) top.intensity = -1;
  else if (what === 'sig_never') {
    delete top.auto_shutdown;
    c.significant = true;
  } else if (what === 'sig_perm') {
    top.auto_shutdown = 'any_significant';
    c.significant = true;
    delete c.restart;
  } else if (top.strategy === 'simple_one_for_one') top.children.push({ id: 'd2' });
  else top.children.push({ id: c.id });
}

const allWorkers = (o) => o.sups.flatMap((s) => (s.simple ? s.dyn : s.workers).map((id) => `${s.path}/${id}`));

function injections(top, o) {
  for (const c of top.children) {
    const fails = (c.start_failures ?? []).filter((n) => n >= 2);
    if (!fails.length || c.type === 'supervisor' || !chance(o.injectP)) continue;
    c.inject = {};
    for (const n of fails) {
      if (!chance(0.6)) continue;
      const sib = pick(top.children);
      const sibWorkers = top.children.filter((x) => x.type !== 'supervisor' && x.id !== c.id);
      const op = weighted([
        [3, 'terminate_child'],
        [2, 'restart_child'],
        [2, 'delete_child'],
        [2, 'start_child'],
        [2, 'which_children'],
        [1, 'count_children'],
        [sibWorkers.length ? 3 : 0, 'crash'],
      ]);
      const id = chance(0.7) ? c.id : sib.id;
      c.inject[n] =
        op === 'crash'
          ? { op, path: `top/${pick(sibWorkers).id}`, reason: reason() }
          : op === 'start_child'
            ? { op, child: { id } }
            : op === 'which_children' || op === 'count_children'
              ? { op }
              : { op, id };
      o.features.add('inject');
      if (!o.hotIds.includes(c.id)) o.hotIds.push(c.id);
    }
    if (!Object.keys(c.inject).length) delete c.inject;
  }
}

function steps(o) {
  const out = [];
  const n = int(2, 9);
  let fresh = 0;
  for (const id of o.hotIds)
    if (chance(0.8)) out.push({ op: 'crash', path: `top/${id}`, reason: pick(['boom', 'kill']) });
  for (let i = 0; i < n; i++) {
    // follow up on the child just terminated or stopped
    const prev = out.at(-1);
    if (prev?.op === 'terminate_child' && !o.sups.find((x) => x.path === prev.sup).simple && chance(0.55)) {
      const op = pick(['delete_child', 'restart_child', 'start_child', 'terminate_child']);
      out.push(
        op === 'start_child' ? { op, sup: prev.sup, child: { id: prev.id } } : { op, sup: prev.sup, id: prev.id },
      );
      if (op === 'delete_child' && chance(0.6))
        out.push({ op: 'start_child', sup: prev.sup, child: { id: prev.id, restart: restartType() } });
      continue;
    }
    const s = pick(o.sups);
    const simple = o.sups.filter((x) => x.simple);
    const kind = weighted([
      [o.adminP < 0.3 ? 10 : 5, 'crash'],
      [1, 'crash_many'],
      [1.2, 'stop'],
      [o.adminP * 8, 'admin'],
      [simple.length ? 6 : 0, 'dyn'],
      [0.5, 'query'],
      [i === n - 1 ? 1.5 : 0.05, 'stop_sup'],
    ]);
    if (kind === 'crash') {
      const w = allWorkers(o);
      if (w.length) out.push({ op: 'crash', path: pick(w), reason: reason() });
    } else if (kind === 'crash_many') {
      if (s.simple || s.workers.length < 2) continue;
      const ids = [...s.workers].sort(() => 0);
      const k = int(2, Math.min(3, ids.length));
      const chosen = [];
      while (chosen.length < k) chosen.push(ids.splice(Math.floor(rnd() * ids.length), 1)[0]);
      out.push({
        op: 'crash_many',
        sup: s.path,
        targets: chosen.map((id) => ({ path: `${s.path}/${id}`, reason: reason() })),
      });
      o.features.add('crash_many');
    } else if (kind === 'stop') {
      const paths = [...allWorkers(o), ...o.sups.slice(1).map((x) => x.path), ...o.sups.slice(1).map((x) => x.path)];
      if (paths.length)
        out.push({ op: 'stop', path: pick(paths), reason: pick(['normal', 'shutdown', 'boom', '{shutdown,x}']) });
    } else if (kind === 'query') {
      out.push({ op: pick(['which_children', 'count_children']), sup: s.path });
    } else if (kind === 'stop_sup') {
      out.push({ op: 'stop_sup' });
    } else if (kind === 'dyn') {
      const d = pick(simple);
      const op = weighted([
        [5, 'start'],
        [d.dyn.length ? 3 : 0, 'crash'],
        [d.dyn.length ? 2 : 0, 'terminate'],
        [0.4, 'bad'],
        [0.6, 'query'],
      ]);
      if (op === 'start') {
        const id = `~${++fresh}`;
        const a = {};
        const f = failures(0.25, false);
        if (f) {
          a.start_failures = f;
          o.features.add('start_failures');
        } else if (failsAtFirst()) {
          a.start_failures = [1];
          o.features.add('start_failures');
        } else if (chance(0.08)) {
          a.start_ignores = [1];
          o.features.add('ignore');
        }
        out.push({ op: 'start_child', sup: d.path, id, ...(Object.keys(a).length ? { args: a } : {}) });
        d.dyn.push(id);
      } else if (op === 'crash') out.push({ op: 'crash', path: `${d.path}/${pick(d.dyn)}`, reason: reason() });
      else if (op === 'terminate') out.push({ op: 'terminate_child', sup: d.path, id: pick(d.dyn), by: 'pid' });
      else if (op === 'bad')
        out.push({ op: pick(['terminate_child', 'restart_child', 'delete_child']), sup: d.path, id: 'd' });
      else out.push({ op: pick(['which_children', 'count_children']), sup: d.path });
    } else if (kind === 'admin') {
      if (s.simple) continue;
      const ids = [...s.workers, ...s.subs];
      const id = ids.length && chance(0.93) ? pick(ids) : 'zz';
      const op = weighted([
        [4, 'terminate_child'],
        [3, 'restart_child'],
        [2.5, 'delete_child'],
        [4, 'start_child'],
        [0.7, 'get_childspec'],
        [0.7, 'which_children'],
        [0.7, 'count_children'],
      ]);
      if (op === 'start_child') {
        const nid = chance(0.65) ? (NAMES.find((x) => !ids.includes(x)) ?? 'h') : id;
        const c = worker(nid, { ...o, auto: s.auto, depth: 1 });
        if (c.start_failures && chance(0.3)) c.start_failures = [1];
        if (chance(0.04)) {
          c.significant = true;
          o.features.add('invalid_spec');
        }
        out.push({ op, sup: s.path, child: c });
        if (!ids.includes(nid)) s.workers.push(nid);
      } else if (op === 'which_children' || op === 'count_children') out.push({ op, sup: s.path });
      else out.push({ op, sup: s.path, id });
      o.features.add('admin');
    }
  }
  return out;
}

function scenario(i) {
  rnd = mulberry32((SEED * 1_000_003 + i * 7919) | 0);
  for (let k = 0; k < 4; k++) rnd();
  const o = {
    features: new Set(),
    sups: [],
    hot: chance(0.4),
    failP: pick([0, 0, 0.15, 0.35]),
    autoP: chance(0.25) ? 0.8 : 0,
    nestP: chance(0.55) ? 0.35 : 0,
    maxDepth: int(1, 2),
    adminP: pick([0, 0.1, 0.5, 1]),
    injectP: pick([0, 0.5, 1]),
    injectMode: chance(0.14),
    hotIds: [],
    simpleTop: chance(0.1),
  };
  if (o.injectMode) o.simpleTop = false;
  const sup = supervisor(o, 0, 'top');
  if (o.injectMode) o.injectP = 1;
  if (o.injectMode && sup.strategy !== 'simple_one_for_one') {
    if (sup.intensity < 3) sup.intensity = int(3, 6);
    for (const c of sup.children)
      if (c.type !== 'supervisor' && chance(0.6)) {
        c.start_failures = pick([[2], [2, 3], [2, 3, 4], [3]]);
        if (c.restart === 'temporary') delete c.restart;
        delete c.start_ignores;
        o.features.add('start_failures');
      }
  }
  if (sup.strategy !== 'simple_one_for_one') injections(sup, o);
  const st = steps(o);
  if (chance(0.02)) corrupt(sup, o);
  return { id: `${PREFIX}-${i}`, features: [...o.features].sort(), sup, steps: st };
}

const seen = new Set();
for (let i = 0, k = 0; k < N; i++) {
  const s = scenario(i);
  if (!s.steps.length) continue;
  const key = JSON.stringify([s.sup, s.steps]);
  if (seen.has(key)) continue;
  seen.add(key);
  k++;
  process.stdout.write(`${JSON.stringify(s)}\n`);
}
