/**
 * Reads a flight recording: lines of JSON in the words of XState's inspection, as `GET /api/actors/:id/flight` and
 * `@statelyai/inspect` write them. What comes out is one list of moments for each life of each actor, to be walked. Whatever
 * stands in the file is data: it is checked here and shown as text. Nothing here knows a page.
 */

/** A flight of 32 steps takes some 20 KiB; this is room for a thousand. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const LINES_MAX = 100_000;
const LIVES_MAX = 500;
/** Of each life the last ones; those before are counted as lost. */
const MOMENTS_MAX = 2_000;
const TEXT_MAX = 2_000;
const FIELDS_MAX = 30;

/** `step`: it took an event. `end`: its end. `told`: what the gateway told about it or about what its end led to. */
export type MomentKind = 'step' | 'told' | 'end';

export interface Moment {
  readonly kind: MomentKind;
  readonly atMs: number;
  /** The event's type; the end has none. */
  readonly event: string;
  /** What the event carried, as far as the file says. */
  readonly data: readonly (readonly [name: string, value: string])[];
  /** The state after it, as XState's value. */
  readonly value: unknown;
  /** Whom it is about, where that is somebody else. */
  readonly actor?: string;
}

/** A chart as it stands in the file. */
export interface ChartConfig {
  readonly id?: unknown;
  readonly [part: string]: unknown;
}

export interface Life {
  readonly id: string;
  readonly name: string;
  /** The path of the actor. */
  readonly path: string;
  readonly chart: ChartConfig | undefined;
  /** Earlier steps that were not kept. */
  readonly lost: number;
  readonly moments: readonly Moment[];
  readonly endedWith: string | undefined;
}

/** What is wrong with a file, in one line. */
export class BadRecording extends Error {}

type Line = Readonly<Record<string, unknown>>;

/** One actor between its introduction and its end. */
class LifeReader {
  readonly #line: Line;
  readonly #moments: Moment[] = [];
  #value: unknown;
  #lost: number;
  #endedWith: string | undefined;
  /** The event that was taken and whose state has not come yet. */
  #taken: Moment | undefined;

  constructor(line: Line) {
    this.#line = line;
    this.#value = record(line['snapshot'])['value'];
    this.#lost = typeof line['lost'] === 'number' ? line['lost'] : 0;
  }

  took(line: Line): void {
    this.#finish();
    const event = record(line['event']);
    this.#taken = { kind: 'step', atMs: timeOf(line), event: typeOf(event), data: fieldsOf(event), value: this.#value };
  }

  became(line: Line): void {
    const snapshot = record(line['snapshot']);
    const before = this.#value;
    if ('value' in snapshot) this.#value = snapshot['value'];
    const ended = snapshot['status'] !== undefined && snapshot['status'] !== 'active';
    // A snapshot without an event before it still is a step, unless it says nothing but the end.
    const event = record(line['event']);
    if (this.#taken) this.#finish();
    else if (!ended || JSON.stringify(before) !== JSON.stringify(this.#value)) {
      this.#add({ kind: 'step', atMs: timeOf(line), event: typeOf(event), data: fieldsOf(event), value: this.#value });
    }
    if (!ended || this.#endedWith !== undefined) return;
    this.#endedWith = text(snapshot['output'] ?? snapshot['error'] ?? snapshot['status']);
    const data = [['reason', this.#endedWith]] as const;
    this.#add({ kind: 'end', atMs: timeOf(line), event: '', data, value: this.#value });
  }

  told(line: Line): void {
    this.#finish();
    const { actor, ...event } = record(line['event']);
    const whom = typeof actor === 'string' ? { actor: text(actor) } : {};
    const moment = { atMs: timeOf(line), event: typeOf(event), data: fieldsOf(event), value: this.#value };
    this.#add({ kind: 'told', ...moment, ...whom });
  }

  life(): Life {
    this.#finish();
    const id = text(this.#line['sessionId']);
    const path = id.replace(/@\d+$/, '');
    return {
      id,
      path,
      name: text(this.#line['name'] ?? path),
      chart: chartOf(this.#line['definition']),
      lost: this.#lost,
      moments: this.#moments,
      endedWith: this.#endedWith,
    };
  }

  #finish(): void {
    if (!this.#taken) return;
    this.#add({ ...this.#taken, value: this.#value });
    this.#taken = undefined;
  }

  #add(moment: Moment): void {
    this.#moments.push(moment);
    if (this.#moments.length <= MOMENTS_MAX) return;
    this.#moments.shift();
    this.#lost += 1;
  }
}

/** @throws BadRecording with one line for whoever opened the file. */
export function readRecording(content: string): readonly Life[] {
  const lives = new Map<string, LifeReader>();
  const lines = content.split('\n', LINES_MAX + 1);
  if (lines.length > LINES_MAX) throw new BadRecording(`It has more than ${LINES_MAX} lines.`);
  for (const [at, one] of lines.entries()) {
    if (one.trim() !== '') take(lives, lineOf(one, at + 1));
  }
  const read = [...lives.values()].map((life) => life.life()).filter(({ moments }) => moments.length > 0);
  if (read.length > 0) return read;
  throw new BadRecording(
    'Nothing in it can be replayed: expected lines of the types @xstate.actor and @xstate.snapshot.',
  );
}

function take(lives: Map<string, LifeReader>, line: Line): void {
  const { type, sessionId, sourceId } = line;
  if (typeof sessionId !== 'string') return;
  const life = lives.get(sessionId);
  if (type === '@xstate.actor') {
    // Whoever is introduced twice, as by an inspector that was joined late, stays who they are.
    if (life) return;
    if (lives.size >= LIVES_MAX) throw new BadRecording(`It tells of more than ${LIVES_MAX} actors.`);
    lives.set(sessionId, new LifeReader(line));
  } else if (type === '@xstate.snapshot') life?.became(line);
  else if (type === '@xstate.event' && sessionId === CHRONICLE) lives.get(String(sourceId))?.told(line);
  else if (type === '@xstate.event') life?.took(line);
}

/** The session to which the recorder writes what the gateway told. */
const CHRONICLE = 'chronicle';

function lineOf(one: string, number: number): Line {
  let value: unknown;
  try {
    value = JSON.parse(one);
  } catch {
    throw new BadRecording(`Line ${number} is not JSON: ${JSON.stringify(one.slice(0, 40))}.`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Line;
  throw new BadRecording(`Line ${number} is not an object: ${JSON.stringify(one.slice(0, 40))}.`);
}

function chartOf(definition: unknown): ChartConfig | undefined {
  try {
    const chart: unknown = typeof definition === 'string' ? JSON.parse(definition) : definition;
    return Object.keys(record(record(chart)['states'])).length > 0 ? (chart as ChartConfig) : undefined;
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function typeOf(event: Readonly<Record<string, unknown>>): string {
  return typeof event['type'] === 'string' ? text(event['type']) : '';
}

function fieldsOf(event: Readonly<Record<string, unknown>>): Moment['data'] {
  const fields = Object.entries(event).filter(([name, value]) => name !== 'type' && value !== undefined);
  return fields.slice(0, FIELDS_MAX).map(([name, value]) => [text(name), text(value)]);
}

function timeOf({ createdAt }: Line): number {
  const atMs = Number(createdAt);
  return Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15 ? atMs : 0;
}

function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return whole.length > TEXT_MAX ? `${whole.slice(0, TEXT_MAX)}…` : whole;
}
