/**
 * Draws a placed diagram as one SVG that needs nothing else: colours for light and dark are in its own style sheet, text
 * lengths are stated, numbers are rounded. Frames lie lowest, then arrows,
 * then texts with a halo, then the arrows' labels.
 */
import type { Box, Diagram, TextLine } from './diagram.js';
import {
  BOX_PADDING,
  LABEL_PADDING,
  type Layout,
  LINE_HEIGHT,
  lineWidth,
  type Place,
  RING_WIDTH,
  type Route,
  TEXT_SIZE,
  TITLE_HEIGHT,
  TITLE_SIZE,
} from './layout.js';
import { textWidth } from './text-width.js';
import { STYLE } from './theme.js';

const CORNER = 8;

export function drawSvg(diagram: Diagram, layout: Layout): string {
  const { width, height } = layout;
  const arrows = layout.routes.map((route) => drawArrow(route));
  const labels = layout.routes.map((route, index) => drawLabel(route, diagram.arrows[index]?.label ?? []));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(diagram.name)}</title>`,
    `<desc id="description">${escapeXml(diagram.description)}</desc>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="head" d="M0 .8 7.4 4 0 7.2z"/></marker></defs>',
    `<rect class="paper" width="${n(width)}" height="${n(height)}" rx="12"/>`,
    ...diagram.boxes.flatMap((box) => drawBox(box, layout, 0, drawFrame)),
    ...arrows,
    ...diagram.boxes.flatMap((box) => drawBox(box, layout, 0, drawTexts)),
    ...labels,
    '</svg>',
  ]
    .filter((line) => line !== '')
    .join('\n')}\n`;
}

type Painter = (box: Box, place: Place) => readonly string[];

/** Paints a box and then, on top of it, those inside. Frames come before all arrows and texts after them. */
function drawBox(box: Box, layout: Layout, depth: number, paint: Painter): string[] {
  const place = layout.places.get(box.id);
  if (!place) throw new Error(`the layout has no place for the box "${box.id}"`);
  const open = box.boxes.length > 0 ? ` open depth-${Math.min(depth, 3)}` : '';
  const painted = paint(box, place);
  return [
    ...(painted.length === 0 ? [] : [`<g class="${box.shape}${open}"${stateOf(box, paint)}>${painted.join('')}</g>`]),
    ...box.boxes.flatMap((child) => drawBox(child, layout, depth + 1, paint)),
  ];
}

/** A frame of a chart says which state it is, so that whoever shows the drawing can mark where an actor stands. */
function stateOf({ id, shape }: Box, paint: Painter): string {
  const isState = shape === 'state' || shape === 'region' || shape === 'final';
  return isState && paint === drawFrame ? ` data-state="${escapeXml(id)}"` : '';
}

function drawFrame({ shape }: Box, { x, y, width, height }: Place): string[] {
  const frame = (dx: number, radius: number) =>
    `<rect class="frame" x="${n(x + dx)}" y="${n(y - dx)}" width="${n(width)}" height="${n(height)}" rx="${radius}"/>`;
  switch (shape) {
    case 'initial':
      return [`<circle class="dot" cx="${n(x + width / 2)}" cy="${n(y + height / 2)}" r="${n(width / 2 - 1)}"/>`];
    case 'dynamic':
      // Cards behind the first one: there may be any number of these.
      return [frame(8, 10), frame(4, 10), frame(0, 10)];
    case 'final': {
      const cx = n(x + BOX_PADDING + 7);
      const cy = n(y + height / 2);
      return [
        frame(0, Math.min(18, height / 2)),
        `<circle class="ring" cx="${cx}" cy="${cy}" r="7"/><circle class="dot" cx="${cx}" cy="${cy}" r="4"/>`,
      ];
    }
    default:
      return [frame(0, shape === 'worker' ? Math.min(18, height / 2) : 10)];
  }
}

/** A leaf's title stands in its middle when it is alone and at its top otherwise; an open box has a header at the left. */
function drawTexts(box: Box, place: Place): string[] {
  if (box.shape === 'initial') return [];
  const open = box.boxes.length > 0;
  const left = place.x + BOX_PADDING + (box.shape === 'final' ? RING_WIDTH : 0);
  const titleWidth = textWidth(box.title, TITLE_SIZE, true);
  const alone = box.lines.length === 0 && !open && box.shape !== 'final';
  const titleX = alone ? place.x + (place.width - titleWidth) / 2 : left;
  const titleY = box.lines.length === 0 && !open ? place.y + place.height / 2 + 5 : place.y + BOX_PADDING + 12;
  const linesY = place.y + BOX_PADDING + TITLE_HEIGHT + 10;
  return [
    `<text class="title" x="${n(titleX)}" y="${n(titleY)}" textLength="${n(titleWidth)}" lengthAdjust="spacingAndGlyphs">${escapeXml(box.title)}</text>`,
    ...box.lines.flatMap((line, index) => drawLine(line, place.x + BOX_PADDING, linesY + index * LINE_HEIGHT)),
  ];
}

function drawLine(line: TextLine, x: number, y: number): string[] {
  let at = x;
  return line.map(({ text, tone }) => {
    const width = textWidth(text, TEXT_SIZE);
    const drawn = `<text class="${tone}" x="${n(at)}" y="${n(y)}" textLength="${n(width)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escapeXml(text)}</text>`;
    at += width;
    return drawn;
  });
}

function drawArrow({ points }: Route): string {
  return points.length < 2 ? '' : `<path class="arrow" d="${roundedPath(points)}" marker-end="url(#head)"/>`;
}

function drawLabel({ label }: Route, lines: readonly TextLine[]): string {
  if (!label || lines.length === 0) return '';
  const texts = lines.flatMap((line, index) => {
    const x = lines.length === 1 ? label.x + (label.width - lineWidth(line)) / 2 : label.x + LABEL_PADDING;
    return drawLine(line, x, label.y + 3 + 12.5 + index * LINE_HEIGHT);
  });
  const { x, y, width, height } = label;
  return `<g><rect class="label" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="7"/>${texts.join('')}</g>`;
}

/** Straight pieces whose corners are rounded as far as the shorter neighbour allows. */
function roundedPath(points: Route['points']): string {
  const [first] = points;
  if (!first) return '';
  let path = `M${n(first.x)} ${n(first.y)}`;
  for (let index = 1; index < points.length; index += 1) {
    const before = points[index - 1];
    const corner = points[index];
    const after = points[index + 1];
    if (!before || !corner) continue;
    if (!after) {
      path += `L${n(corner.x)} ${n(corner.y)}`;
      continue;
    }
    const radius = Math.min(CORNER, distance(before, corner) / 2, distance(corner, after) / 2);
    const from = towards(corner, before, radius);
    const to = towards(corner, after, radius);
    path += `L${n(from.x)} ${n(from.y)}Q${n(corner.x)} ${n(corner.y)} ${n(to.x)} ${n(to.y)}`;
  }
  return path;
}

type Point = Route['points'][number];

function distance(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function towards(from: Point, to: Point, length: number): Point {
  const whole = distance(from, to);
  const part = whole === 0 ? 0 : length / whole;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

/** A number with at most two decimals, so that no machine's last bit shows. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
