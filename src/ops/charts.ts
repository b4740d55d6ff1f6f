/**
 * The drawings of the charts, made at development time by the generator in `diagrams/` and served as they are: the page
 * marks in them which states are active. Which charts there are is looked up once; what is asked for is never a path.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { HttpError } from './http-error.js';

const FOLDER = new URL('../../diagrams/', import.meta.url);
/** A drawing, but no chart. */
const TREE = 'supervision-tree';

let drawings: ReadonlyMap<string, Buffer> | undefined;

/** Whether actors of this kind run a chart that is drawn. */
export function isDrawn(kind: string): boolean {
  return drawn().has(kind);
}

/** The drawing of a chart as SVG; its states carry their ids as `data-state`. */
export function chartDrawing(name: string): Buffer {
  const drawing = drawn().get(name);
  if (drawing) return drawing;
  throw new HttpError(404, 'not_found', `chart: there is none with the name ${JSON.stringify(name)}`);
}

function drawn(): ReadonlyMap<string, Buffer> {
  drawings ??= new Map(
    readdirSync(FOLDER)
      .filter((file) => file.endsWith('.svg'))
      .map((file): [string, Buffer] => [file.slice(0, -'.svg'.length), readFileSync(new URL(file, FOLDER))])
      .filter(([name]) => name !== TREE),
  );
  return drawings;
}
