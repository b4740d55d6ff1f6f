/**
 * What an event said of why: its reason or error as a line, and its yes or no. Everything else that it carries
 * (names, numbers, metadata, pictures) is left alone and never looked at, so that nothing secret is kept and a large event costs no more.
 *
 * Texts are kept once each, the last few thousand different ones; a step holds their number. What a step said too many texts
 * ago is forgotten before the step itself.
 */
import type { EventObject } from 'xstate';
import { withoutSecrets } from '../../gateway/redaction.js';
import { describeReason, isExitReason } from '../../otp/exit-reason.js';

const TEXTS_MAX = 4_096;
const TEXT_MAX = 300;
const REASONS = new Set(['reason', 'error', 'why', 'cause']);
const NOTHING = 0;

export class Said {
  /** By number, in a ring; number 0 is nothing. */
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(TEXTS_MAX);
  readonly #numbers = new Map<string, number>();
  /** Most say one of a few reasons and nothing else: by that text, without making the other. */
  readonly #byReason = new Map<string, number>();
  #last = 0;

  /** 0 for an event that said nothing. */
  number(event: EventObject): number {
    const reason = onlyReason(event);
    if (reason === undefined) return this.#numberOf(event);
    const known = this.#byReason.get(reason);
    if (known !== undefined && known > this.#last - TEXTS_MAX) return known;
    const number = this.#numberOf(event);
    if (this.#byReason.size >= TEXTS_MAX) this.#byReason.clear();
    this.#byReason.set(reason, number);
    return number;
  }

  #numberOf(event: EventObject): number {
    const text = textOf(event);
    if (text === undefined) return NOTHING;
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#last += 1;
    const at = this.#last % TEXTS_MAX;
    const old = this.#texts[at];
    if (old !== undefined) this.#numbers.delete(old);
    this.#texts[at] = text;
    this.#numbers.set(text, this.#last);
    return this.#last;
  }

  data(number: number): Readonly<Record<string, unknown>> | undefined {
    if (number === NOTHING || number <= this.#last - TEXTS_MAX) return undefined;
    return JSON.parse(this.#texts[number % TEXTS_MAX] as string) as Record<string, unknown>;
  }
}

/** Its reason, where that is a short text and no other field could say anything. Never throws. */
function onlyReason(event: EventObject): string | undefined {
  let reason: string | undefined;
  try {
    for (const name in event) {
      if (name === 'type') continue;
      const value = (event as unknown as Readonly<Record<string, unknown>>)[name];
      if (name === 'reason' && typeof value === 'string' && value.length <= TEXT_MAX) reason = value;
      else if (typeof value === 'boolean' || REASONS.has(name)) return undefined;
    }
  } catch {
    // It is looked at again, field by field.
    return undefined;
  }
  return reason;
}

/** As JSON; undefined when it has none of these. Never throws: an actor's step waits for it. */
function textOf(event: EventObject): string | undefined {
  let said: Record<string, unknown> | undefined;
  try {
    for (const name in event) {
      if (name === 'type') continue;
      const value = shown(name, (event as unknown as Readonly<Record<string, unknown>>)[name]);
      if (value === undefined) continue;
      said ??= {};
      said[name] = value;
    }
  } catch {
    // A field that throws when it is read says nothing.
  }
  return said && JSON.stringify(said);
}

function shown(name: string, value: unknown): boolean | string | undefined {
  if (typeof value === 'boolean') return value;
  if (!REASONS.has(name)) return undefined;
  const text = typeof value === 'string' ? value : isExitReason(value) ? describeReason(value) : undefined;
  return text === undefined ? undefined : withoutSecrets(text).slice(0, TEXT_MAX);
}
