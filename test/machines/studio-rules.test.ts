/**
 * What makes a chart one that can be drawn, opened in Stately Studio and read: its config is data, every state says who it
 * is, every effect has a name, and no state that is alive is deaf to the request to stop.
 */
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, type AnyStateNode, StateMachine } from 'xstate';
import { toDirectedGraph } from 'xstate/graph';
import * as machines from '../../machines/index.js';
import { filesUnder } from '../house/source-files.js';

const charts = Object.values(machines).filter((value) => value instanceof StateMachine) as AnyStateMachine[];

/** A supervisor is stopped by its own table, which advances the chart with `stop.begun`; it takes no request itself. */
const stopEventOf = (chart: AnyStateMachine) => (chart.id === 'supervisor' ? 'stop.begun' : 'supervisor.stop');

describe('the charts of machines', () => {
  it('are all exported: one per file that builds a machine', () => {
    const files = filesUnder('machines').map((path) => path.replace(/^machines\/|\.ts$/g, ''));
    expect(files).toEqual(expect.arrayContaining(charts.map(({ id }) => id)));
    expect(charts.length).toBeGreaterThanOrEqual(4);
  });
});

describe.each(charts.map((chart) => [chart.id, chart] as const))('the chart of a %s', (id, chart) => {
  const nodes = everyNode(chart.root);

  it('has a config without functions', () => {
    expect(functionsIn(chart.config, '').filter((path) => !OUTSIDE_THE_CHART.test(path))).toEqual([]);
  });

  it('becomes a directed graph with every state in it', () => {
    const graph = toDirectedGraph(chart);
    const ids = (node: typeof graph): string[] => [node.id, ...node.children.flatMap(ids)];
    expect(ids(graph).sort()).toEqual(nodes.map((node) => node.id).sort());
  });

  it('has an id, a description and an initial state', () => {
    expect(chart.config.id).toBe(id);
    expect(chart.config.description).toMatch(/\.$/);
    expect(chart.config.initial).toBeTypeOf('string');
  });

  it('describes states in full sentences', () => {
    const bad = nodes.filter(({ description }) => description !== undefined && !/^[A-Z].*\.$/.test(description));
    expect(bad.map((node) => node.id)).toEqual([]);
  });

  it('names every guard, action and delay that it uses', () => {
    const { guards, actions, delays } = chart.implementations;
    const used = nodes.flatMap((node) => [
      ...listOf(node.config.entry).map((action) => ['action', nameOf(action), nameOf(action) in actions] as const),
      ...listOf(node.config.exit).map((action) => ['action', nameOf(action), nameOf(action) in actions] as const),
      ...node.after.map(({ delay }) => ['delay', String(delay), String(delay) in delays] as const),
      ...[...node.transitions.values()]
        .flat()
        .flatMap(({ guard, actions: effects }) => [
          ...(guard === undefined ? [] : [['guard', nameOf(guard), nameOf(guard) in guards] as const]),
          ...effects.map((action) => ['action', nameOf(action), nameOf(action) in actions] as const),
        ]),
    ]);
    expect(used.filter(([, , known]) => !known)).toEqual([]);
  });

  it('answers the request to stop in every state that is alive', () => {
    const stopEvent = stopEventOf(chart);
    const deaf = nodes
      .filter((node) => node.type === 'atomic' && !isEnding(node, stopEvent))
      .filter((node) => !ancestry(node).some((at) => at.transitions.has(stopEvent)));
    expect(deaf.map((node) => node.id)).toEqual([]);
  });

  it('ends, from every state that is alive, in a final state', () => {
    const finals = nodes.filter((node) => node.type === 'final');
    expect(finals.map(({ parent }) => parent)).toContain(chart.root);
    const stuck = nodes.filter((node) => node.type === 'atomic' && !reaches(node, new Set(finals)));
    expect(stuck.map((node) => node.id)).toEqual([]);
  });
});

/** Context and output are made at run time; Studio leaves them alone. Everything else of the config is data. */
const OUTSIDE_THE_CHART = /^\.(?:context|output)$/;

function functionsIn(value: unknown, path: string): string[] {
  if (typeof value === 'function') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => functionsIn(inner, `${path}.${key}`));
}

/** States that a stop request leads to, directly or by what follows: they are ending already. */
function isEnding(node: AnyStateNode, stopEvent: string): boolean {
  const entered = new Set<AnyStateNode>();
  const follow = (target: AnyStateNode): void => {
    if (entered.has(target)) return;
    entered.add(target);
    for (const next of targetsOf(target)) follow(next);
  };
  for (const other of everyNode(node.machine.root)) {
    for (const { target } of other.transitions.get(stopEvent) ?? []) for (const one of target ?? []) follow(one);
  }
  return entered.has(node);
}

function reaches(start: AnyStateNode, goals: ReadonlySet<AnyStateNode>): boolean {
  const seen = new Set<AnyStateNode>();
  const pending = [start];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (goals.has(node)) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...ancestry(node).flatMap(targetsOf));
  }
  return false;
}

function targetsOf(node: AnyStateNode): AnyStateNode[] {
  const ways = [...node.transitions.values()].flat().concat(node.always ?? []);
  return ways.flatMap(({ target }) => (target ?? []) as AnyStateNode[]);
}

function ancestry(node: AnyStateNode): AnyStateNode[] {
  return node.parent ? [node, ...ancestry(node.parent)] : [node];
}

function everyNode(node: AnyStateNode): AnyStateNode[] {
  return [node, ...(Object.values(node.states) as AnyStateNode[]).flatMap(everyNode)];
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function nameOf(named: unknown): string {
  if (typeof named === 'object' && named !== null && 'type' in named) return String(named.type);
  return typeof named === 'string' ? named : '(a function)';
}
