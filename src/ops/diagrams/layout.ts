/**
 * Where things go. Sizes follow from the texts, places from elkjs' layered algorithm, which also makes room for labels, so
 * that none lies on another. Nothing here is random: the same diagram gives the same numbers.
 *
 * `elkjs` is needed for drawing only and is no dependency of the package; it is loaded on use and asked for by name.
 */
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { Box, Diagram, TextLine } from './diagram.js';
import { textWidth } from './text-width.js';

export const TITLE_SIZE = 14;
export const TEXT_SIZE = 12;
export const LINE_HEIGHT = 17;
export const TITLE_HEIGHT = 20;
export const BOX_PADDING = 12;
export const LABEL_PADDING = 6;
const DOT_SIZE = 12;
/** Room at the left of a final state's name for its ring. */
export const RING_WIDTH = 24;

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Route {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly label: Place | undefined;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** By the box's id, from the drawing's corner. */
  readonly places: ReadonlyMap<string, Place>;
  /** In the order of the diagram's arrows. */
  readonly routes: readonly Route[];
}

export class ElkMissingError extends Error {
  constructor(cause: unknown) {
    super('drawing diagrams needs the package "elkjs", which is not installed: npm install --save-dev elkjs', {
      cause,
    });
    this.name = 'ElkMissingError';
  }
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
};

const SPACING = {
  'elk.spacing.nodeNode': '36',
  'elk.spacing.edgeNode': '22',
  'elk.spacing.edgeEdge': '16',
  'elk.spacing.edgeLabel': '6',
  'elk.layered.spacing.nodeNodeBetweenLayers': '32',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '14',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
};

/** Of a chart the outermost box is the paper. A flat diagram, a tree, keeps the order in which it was written. */
const NESTED = { 'elk.padding': '[top=1,left=1,bottom=1,right=1]' };
const FLAT = {
  'elk.padding': '[top=24,left=24,bottom=24,right=32]',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.crossingMinimization.forceNodeModelOrder': 'true',
};

function isFlat(diagram: Diagram): boolean {
  return diagram.boxes.every((box) => box.boxes.length === 0);
}

export async function layOut(diagram: Diagram): Promise<Layout> {
  const elk = await loadElk();
  const isBackward = backwardIn(diagram);
  const graph: ElkNode = {
    id: '',
    layoutOptions: { ...OPTIONS, ...SPACING, ...(isFlat(diagram) ? FLAT : NESTED) },
    children: diagram.boxes.map(elkNode),
    edges: diagram.arrows.map(({ from, to, label }, index) => ({
      id: `arrow ${index}`,
      ...(isBackward(from, to) ? { sources: [to], targets: [from] } : { sources: [from], targets: [to] }),
      labels:
        label.length === 0 ? [] : [{ id: `label ${index}`, text: ' ', ...labelSize(label), layoutOptions: INLINE }],
    })),
  };
  const placed = await elk.layout(graph);
  const places = new Map<string, Place>();
  collectPlaces(placed.children ?? [], places);
  const routes = (placed.edges ?? []).map((edge, index): Route => {
    const arrow = diagram.arrows[index];
    const section = edge.sections?.[0];
    const points = section ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint] : [];
    if (arrow && isBackward(arrow.from, arrow.to)) points.reverse();
    const label = edge.labels?.[0];
    return { points, label: label && placeOf(label) };
  });
  return { width: placed.width ?? 0, height: placed.height ?? 0, places, routes };
}

const INLINE = { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' };

async function loadElk() {
  const { default: elkjs } = await import('elkjs/lib/elk.bundled.js').catch((cause: unknown) => {
    throw new ElkMissingError(cause);
  });
  return new elkjs.default();
}

function elkNode(box: Box): ElkNode {
  const size = boxSize(box);
  if (box.boxes.length === 0) return { id: box.id, ...size };
  return {
    id: box.id,
    layoutOptions: {
      ...SPACING,
      'elk.padding': `[top=${size.height + 8},left=18,bottom=18,right=18]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${size.width}, ${size.height})`,
    },
    children: box.boxes.map(elkNode),
  };
}

/** What a box's own texts need; for a box with others inside, its header. */
function boxSize(box: Box): { width: number; height: number } {
  if (box.shape === 'initial') return { width: DOT_SIZE, height: DOT_SIZE };
  const ring = box.shape === 'final' ? RING_WIDTH : 0;
  const widths = [textWidth(box.title, TITLE_SIZE, true) + ring, ...box.lines.map(lineWidth)];
  return {
    width: Math.ceil(Math.max(...widths)) + 2 * BOX_PADDING,
    height: TITLE_HEIGHT + box.lines.length * LINE_HEIGHT + 2 * BOX_PADDING - 4,
  };
}

function labelSize(label: readonly TextLine[]): { width: number; height: number } {
  return {
    width: Math.ceil(Math.max(...label.map(lineWidth))) + 2 * LABEL_PADDING,
    height: label.length * LINE_HEIGHT + 6,
  };
}

export function lineWidth(line: TextLine): number {
  return line.reduce((width, { text }) => width + textWidth(text, TEXT_SIZE), 0);
}

/**
 * Tells which arrows point back to something earlier. They are handed to the algorithm the other way round, so that the
 * order in which a chart was written, which is the order of a life, is also the order down the page.
 */
function backwardIn(diagram: Diagram): (from: string, to: string) => boolean {
  const trails = new Map<string, readonly number[]>();
  const walk = (boxes: readonly Box[], trail: readonly number[]): void => {
    for (const [index, box] of boxes.entries()) {
      trails.set(box.id, [...trail, index]);
      walk(box.boxes, [...trail, index]);
    }
  };
  walk(diagram.boxes, []);
  return (from, to) => {
    const a = trails.get(from) ?? [];
    const b = trails.get(to) ?? [];
    const fork = a.findIndex((place, depth) => place !== b[depth]);
    return fork >= 0 && (a[fork] ?? 0) > (b[fork] ?? Number.POSITIVE_INFINITY);
  };
}

function collectPlaces(shapes: readonly ElkNode[], places: Map<string, Place>): void {
  for (const shape of shapes) {
    places.set(shape.id, placeOf(shape));
    collectPlaces(shape.children ?? [], places);
  }
}

function placeOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Place>): Place {
  return { x, y, width, height };
}
