import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import * as machines from '../../machines/index.js';
import { runDiagrams } from '../../src/cli/diagrams.js';
import { supervisionTree } from '../../src/cli/supervision-tree.js';
import { chartDiagram } from '../../src/ops/diagrams/chart-diagram.js';
import { chartGraph } from '../../src/ops/diagrams/chart-graph.js';
import type { Box } from '../../src/ops/diagrams/diagram.js';
import { chartsOf, diagramFiles } from '../../src/ops/diagrams/diagram-files.js';
import { layOut, type Place } from '../../src/ops/diagrams/layout.js';
import { chartMermaid } from '../../src/ops/diagrams/mermaid.js';
import { root } from '../house/source-files.js';

const charts = chartsOf(machines);

describe('the diagrams of the repository', () => {
  it('agree with the charts and the tree that run', async () => {
    const errors: string[] = [];
    const code = await runDiagrams({
      out: join(root, 'diagrams'),
      check: true,
      stdout: { write: () => true },
      stderr: { write: (text) => errors.push(text) },
    });
    expect(errors).toEqual([]);
    expect(code).toBe(0);
  });

  it('come out the same twice', async () => {
    expect(await diagramFiles(charts, supervisionTree)).toEqual(await diagramFiles(charts, supervisionTree));
  });

  it('need no list: a chart that is exported is drawn', async () => {
    const lamp = setup({}).createMachine({
      id: 'lamp',
      initial: 'off',
      states: { off: { on: { press: 'on' } }, on: {} },
    });
    expect([...(await diagramFiles(chartsOf({ ...machines, lamp }), supervisionTree)).keys()]).toEqual(
      expect.arrayContaining(['lamp.mmd', 'lamp.svg', 'camera.svg', 'supervision-tree.svg']),
    );
  });
});

describe('checking diagrams in a folder', () => {
  let out = '';
  let said: string[] = [];
  const run = (check: boolean) => {
    said = [];
    const write = (text: string) => said.push(text);
    return runDiagrams({ out, check, stdout: { write }, stderr: { write } });
  };
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'sluice-diagrams-'));
  });
  afterEach(() => rmSync(out, { recursive: true, force: true }));

  it('is content right after writing', async () => {
    expect(await run(false)).toBe(0);
    expect(await run(true)).toBe(0);
  });

  it('names each file that is changed, missing or left over, and writes nothing', async () => {
    await run(false);
    writeFileSync(join(out, 'camera.mmd'), 'stateDiagram-v2\n');
    rmSync(join(out, 'client.svg'));
    writeFileSync(join(out, 'kettle.svg'), '<svg/>');
    const before = readdirSync(out);
    expect(await run(true)).toBe(1);
    expect(said.join('')).toMatch(/camera\.mmd.*client\.svg.*kettle\.svg/);
    expect(readdirSync(out)).toEqual(before);
    expect(readFileSync(join(out, 'camera.mmd'), 'utf8')).toBe('stateDiagram-v2\n');
    await run(false);
    expect(await run(true)).toBe(0);
  });
});

describe.each(charts.map((chart) => [chart.id, chart] as const))('the drawing of a %s', (_id, chart) => {
  const graph = chartGraph(chart);
  const diagram = chartDiagram(graph);

  it('has no label on another label, and none on a state', async () => {
    const { places, routes } = await layOut(diagram);
    const labels = routes.flatMap(({ label }) => label ?? []);
    const leaves = leavesOf(diagram.boxes).map(({ id }) => places.get(id) as Place);
    const overlaps = labels.flatMap((label, index) =>
      [...labels.slice(index + 1), ...leaves].filter((other) => meets(label, other)).map((other) => [label, other]),
    );
    expect(labels.length).toBeGreaterThan(0);
    expect(overlaps).toEqual([]);
  });

  it('leads each arrow from its own state to its own state', async () => {
    const { places, routes } = await layOut(diagram);
    const astray = diagram.arrows.filter(({ from, to }, index) => {
      const points = routes[index]?.points ?? [];
      return !touches(points[0], places.get(from)) || !touches(points.at(-1), places.get(to));
    });
    expect(astray).toEqual([]);
  });

  it('names every event and every delay of the chart, as text too', () => {
    const mermaid = chartMermaid(graph);
    const drawn = JSON.stringify(diagram);
    for (const event of chart.events.filter((name) => !name.startsWith('xstate.'))) {
      expect(mermaid).toContain(`: ${event}`);
      expect(drawn).toContain(`"${event}"`);
    }
    for (const delay of Object.keys(chart.implementations.delays)) {
      expect(mermaid).toContain(`: after ${delay}`);
      expect(drawn).toContain(`"after ${delay}"`);
    }
  });
});

function leavesOf(boxes: readonly Box[]): Box[] {
  return boxes.flatMap((box) => (box.boxes.length === 0 ? [box] : leavesOf(box.boxes)));
}

function meets(a: Place, b: Place): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Whether a point lies on the edge of a place, to within a pixel. */
function touches(point: { readonly x: number; readonly y: number } | undefined, place: Place | undefined): boolean {
  if (!point || !place) return false;
  const inside = (margin: number) =>
    point.x >= place.x - margin &&
    point.x <= place.x + place.width + margin &&
    point.y >= place.y - margin &&
    point.y <= place.y + place.height + margin;
  return inside(1) && !inside(-1);
}
