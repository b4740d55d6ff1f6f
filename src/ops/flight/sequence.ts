/**
 * The last messages of an actor as a sequence diagram in Mermaid's words, which Git hosts, wikis and editors draw. Who sent a
 * message is not recorded, so all come from `others`; what supervisors did is told of those who did it. The page uses this too:
 * nothing here knows a server.
 */

/** A moment of a flight: an event that was taken, the end, or what the gateway told. */
export interface SequenceMoment {
  readonly kind: 'step' | 'told' | 'end';
  readonly event: string;
  /** The state after a step, the reason of an end, or what was said with what was told. */
  readonly text: string;
  /** Whom it is about, where that is not the actor itself. */
  readonly actor?: string;
}

const TEXT_MAX = 120;

/** @param last of how many moments; the earlier ones are left out. */
export function mermaidSequence(path: string, moments: readonly SequenceMoment[], last = moments.length): string {
  const names = new Names(path);
  const lines = (last > 0 ? moments.slice(-last) : []).flatMap((moment) => linesOf(moment, path, names));
  return ['sequenceDiagram', ...names.lines, ...lines].map((line) => `${line}\n`).join('');
}

function linesOf(moment: SequenceMoment, path: string, names: Names): readonly string[] {
  const { kind, event, text, actor = path } = moment;
  const self = names.of(actor);
  const above = (): string => (actor.includes('/') ? names.of(actor.slice(0, actor.lastIndexOf('/'))) : 'others');
  if (kind === 'step') return [`  others->>${self}: ${said(event)}`, `  Note over ${self}: ${said(text)}`];
  const words = said(text === '' ? event : `${event === '' ? '' : `${event} `}${text}`);
  if (kind === 'end') return [`  Note over ${self}: ended ${words}`];
  if (event === 'process.down') return [`  ${self}--x${above()}: ${words}`];
  if (event === 'process.restarted' || event === 'process.started') return [`  ${above()}->>${self}: ${words}`];
  return [`  Note over ${self}: ${words}`];
}

/** Short names for the actors, in the order in which they are met. */
class Names {
  readonly #ids = new Map<string, string>();
  readonly lines: string[] = ['  participant others'];

  constructor(path: string) {
    this.of(path);
  }

  of(path: string): string {
    const known = this.#ids.get(path);
    if (known !== undefined) return known;
    const id = `a${this.#ids.size}`;
    this.#ids.set(path, id);
    this.lines.push(`  participant ${id} as ${said(path)}`);
    return id;
  }
}

/** Mermaid's own signs as numbers, on one line. */
function said(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX)}…` : line;
  return short.replace(/[#;<>"%]/g, (sign) => `#${sign.charCodeAt(0)};`) || '-';
}
