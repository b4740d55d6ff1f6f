/** What is asked about actors over HTTP, with a real tree behind it: the part that is seen, those that stand out, one in full, what is held. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeStates } from '../../src/gateway/actor-detail.js';
import type { ActorDetail, LeaksView, RankedActor, TreeRow, TreeRows } from '../../src/gateway/views.js';
import type { Digest } from '../../src/ops/event-digest.js';
import { eventually } from '../e2e/eventually.js';
import { TOKEN, Town } from './page-town.js';

const CLIENTS = 300;

let town: Town;

beforeAll(async () => {
  town = await Town.start({ cameras: [{ id: 'front', source: 'clip:' }] });
  for (let n = 1; n <= CLIENTS; n += 1) await town.connect(`c${String(n).padStart(3, '0')}`);
});
afterAll(() => town.stop());

const get = (path: string): Promise<Response> => fetch(`${town.address}${path}`);
async function json<T>(path: string): Promise<T> {
  const answer = await get(path);
  expect(answer.status, path).toBe(200);
  return (await answer.json()) as T;
}
const status = async (path: string): Promise<number> => (await get(path)).status;
const rowsOf = (query: string): Promise<TreeRows> => json<TreeRows>(`/api/tree?${query}`);
const names = (rows: readonly TreeRow[]): string[] => rows.map(({ id }) => id.slice(id.lastIndexOf('/') + 1));

describe('the part of the tree that is looked at', () => {
  it('E-a2 is a list of rows with depth, place and number of children; many children are folded', async () => {
    const { rows, total } = await rowsOf('rows=0&limit=1000');
    expect(rows).toHaveLength(total);
    expect(rows[0]).toMatchObject({ id: 'sluice', depth: 0, position: 1, siblings: 1, open: true });
    const sessions = rows.find(({ id }) => id === 'sluice/sessions');
    expect(sessions).toMatchObject({ depth: 1, children: CLIENTS, open: false });
    expect(rows.filter(({ parent }) => parent === undefined)).toHaveLength(1);
    for (const { id, parent } of rows.slice(1)) expect(id.startsWith(`${rows[parent as number]?.id}/`), id).toBe(true);
  });

  it('opens and folds what it is told to, and sends the rows of the window only', async () => {
    const open = 'open=sluice%2Fsessions';
    const whole = await rowsOf(`rows=0&limit=1000&${open}`);
    expect(whole.total).toBeGreaterThan(CLIENTS);
    const part = await rowsOf(`rows=150&limit=7&${open}`);
    expect(part).toMatchObject({ total: whole.total, from: 150 });
    expect(names(part.rows)).toEqual(names(whole.rows.slice(150, 157)));
    expect((await rowsOf('rows=0&fold=sluice')).total).toBe(1);
    expect((await rowsOf(`rows=${whole.total + 5}&${open}`)).rows).toEqual([]);
  });

  it('finds by path, kind and state, whatever the case', async () => {
    expect(names((await rowsOf('rows=0&find=C007%2FCLIENT')).rows)).toEqual(['client']);
    expect((await rowsOf('rows=0&find=session:c007')).total).toBe(4);
    const idle = await rowsOf('rows=0&find=idle');
    expect(names(idle.rows)).toEqual(['camera:front']);
  });

  it.each(['rows=-1', 'rows=x', 'rows=0&limit=0', 'rows=0&limit=1001'])('refuses %s', async (query) => {
    expect(await status(`/api/tree?${query}`)).toBe(400);
  });
});

describe('the actors that stand out', () => {
  it.each([
    ['age', ({ startedAtMs }: RankedActor) => -startedAtMs],
    ['memory', ({ memoryBytes }: RankedActor) => memoryBytes],
    ['mailbox', ({ mailbox }: RankedActor) => mailbox],
    ['restarts', ({ restarts }: RankedActor) => restarts],
  ] as const)('E-a2 come sorted by %s, the most first', async (sort, keyOf) => {
    const { actors } = await json<{ actors: RankedActor[] }>(`/api/actors?sort=${sort}&limit=1000`);
    const keys = actors.map(keyOf);
    expect(keys.length).toBeGreaterThan(100);
    expect(keys).toEqual([...keys].sort((a, b) => b - a));
  });

  it('E-a2 are filtered and limited, and an unknown order is refused by name', async () => {
    const { actors } = await json<{ actors: RankedActor[] }>('/api/actors?sort=age&filter=session:c0&limit=5');
    expect(actors).toHaveLength(5);
    for (const { id } of actors) expect(id).toContain('session:c0');
    const refused = await get('/api/actors?sort=colour');
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining('mailbox, memory, restarts, age'),
    ]);
  });
});

describe('one actor', () => {
  it('E-a2 is shown with both ends of its monitors, what it holds, its last events and its chart', async () => {
    const [client] = town.gateway.live.clients();
    const id = client?.id as string;
    const actor = await json<ActorDetail & { events: unknown[]; chart: string }>(
      `/api/actors/${encodeURIComponent(id)}`,
    );
    expect(actor).toMatchObject({
      id,
      kind: 'client',
      chart: 'client',
      activeStates: expect.arrayContaining(['alive']),
    });
    expect(actor.watchedBy.length).toBeGreaterThan(0);
    expect(actor.events.length).toBeGreaterThan(0);
    // Who watches it says the same from the other end.
    const [watcher = ''] = actor.watchedBy;
    const other = await json<ActorDetail>(`/api/actors/${encodeURIComponent(watcher)}`);
    expect(other.watches).toContain(id);
  });

  it('tells the paths of all active states, the outer ones first', () => {
    expect(activeStates({ alive: { live: { pictures: 'fresh', demand: 'wanted' } } })).toEqual([
      'alive',
      'alive.live',
      'alive.live.pictures',
      'alive.live.pictures.fresh',
      'alive.live.demand',
      'alive.live.demand.wanted',
    ]);
    expect(activeStates(undefined)).toEqual([]);
  });
});

describe('the drawings of the charts', () => {
  it.each(['session', 'client', 'stream', 'camera', 'app', 'room', 'uplink', 'node'])(
    'E-a8 has one of %s whose states can be found',
    async (name) => {
      const answer = await get(`/api/charts/${name}.svg`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
      expect(await answer.text()).toContain(`data-state="${name}.`);
    },
  );

  it.each(['nothing', 'supervision-tree', '..%2f..%2fpackage', '%2e%2e'])('has none of %s', async (name) => {
    expect(await status(`/api/charts/${name}.svg`)).toBe(404);
  });
});

describe('what is held', () => {
  it('E-a6 is counted by kind and by owner, and every invariant holds', async () => {
    const leaks = await json<LeaksView>('/api/leaks');
    expect(leaks.invariants.map(({ name, holds }) => [name, holds])).toEqual([
      ['every actor has a supervisor', true],
      ['what is held has an owner that lives', true],
      ['the tables of clients and streams agree', true],
      ['every monitor has its target', true],
    ]);
    expect(leaks.census['call']).toBe(CLIENTS);
    expect(leaks.holdings).toHaveLength(200);
    expect(leaks.holdingsTotal).toBeGreaterThan(CLIENTS);
  });

  it('E-a6 names a monitor that nobody has', async () => {
    town.system.monitors += 1;
    const { invariants } = await json<LeaksView>('/api/leaks');
    town.system.monitors -= 1;
    expect(invariants.filter(({ holds }) => !holds)).toEqual([
      { name: 'every monitor has its target', holds: false, broken: [expect.stringMatching(/monitors are counted/)] },
    ]);
  });
});

describe('events in digests', () => {
  it('tell how many there were, and show the last that fit', async () => {
    const abort = new AbortController();
    const answer = await fetch(`${town.address}/api/events?digest=1&since=0&filter=c300`, {
      headers: { Accept: 'text/event-stream' },
      signal: abort.signal,
    });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const digest = await eventually('a digest comes', async () => {
      text += new TextDecoder().decode((await reader.read()).value);
      const data = /^event: digest\ndata: (.*)$/m.exec(text)?.[1];
      return data === undefined ? undefined : (JSON.parse(data) as Digest);
    });
    abort.abort();
    expect(digest?.upTo).toBe(town.newestEvent);
    expect(digest?.count).toBeGreaterThan(digest?.events.length as number);
    expect(digest?.events.length).toBeGreaterThan(0);
    for (const { actor } of digest?.events ?? []) expect(actor).toContain('c300');
    expect(Object.values(digest?.byType ?? {}).every((n) => n > 0)).toBe(true);
  });
});

describe('a heap snapshot', () => {
  it('D-24 is taken with the token only', async () => {
    const post = (headers: Record<string, string>) =>
      fetch(`${town.address}/api/heap-snapshot`, { method: 'POST', headers });
    expect((await post({})).status).toBe(401);
    expect((await post({ Authorization: 'Bearer wrong' })).status).toBe(401);
    const foreign = await post({ Authorization: `Bearer ${TOKEN}`, Origin: 'http://evil.example' });
    expect(foreign.status).toBe(403);
  });

  it('D-24 is taken one at a time: a second one is 429 meanwhile', async () => {
    const post = () =>
      fetch(`${town.address}/api/heap-snapshot`, { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } });
    const answers = await Promise.all([post(), post()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    for (const answer of answers) await answer.arrayBuffer();
    // The next one has its turn.
    const next = await post();
    expect(next.status).toBe(200);
    await next.arrayBuffer();
  });
});
