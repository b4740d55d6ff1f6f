/**
 * What ffmpeg says on its standard error, read as it comes and kept only as far as it explains an end: the last few faults, each
 * bounded, without credentials. ffmpeg says much, and repeats the address with the password in it.
 */

const LINE_CHARS_MAX = 2_000;
const FAULTS_MAX = 8;
const SHOWN_CHARS_MAX = 300;
/** What stands before a message with `-loglevel level+info`, with the part of ffmpeg that says it where there is one. */
const PREFIX = /^(?:\[[^\]]*@[^\]]*\] )?\[(panic|fatal|error|warning|info)\] /;
const REFUSED = /\b(401 Unauthorized|403 Forbidden|authorization failed)\b/i;
/** What is wrong with what was asked, and not with the camera. */
const MISTAKEN = /Unknown input format|Protocol not found|Option \S+ not found|Unrecognized option|No such filter/i;

export interface Verdict {
  readonly message: string;
  /** No retry mends it. */
  readonly final: boolean;
}

export class FfmpegReport {
  readonly #secrets: readonly string[];
  readonly #onInput: () => void;
  readonly #faults: string[] = [];
  #rest = '';

  /** `onInput` is called when ffmpeg says that it has opened its input. */
  constructor(secrets: readonly string[], onInput: () => void) {
    // The longer first, so that of a password that begins like the user's name nothing is left.
    this.#secrets = [...secrets].sort((a, b) => b.length - a.length);
    this.#onInput = onInput;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = (lines.pop() ?? '').slice(-LINE_CHARS_MAX);
    for (const line of lines) this.#line(line);
  }

  /** What its end means: the fault that explains it best, in a line that may be shown. */
  verdict(): Verdict | undefined {
    if (this.#rest !== '') this.push('\n');
    const refused = this.#faults.find((fault) => REFUSED.test(fault));
    if (refused !== undefined) {
      const status = /\b40[13]\b/.exec(refused)?.[0];
      return { message: `credentials refused${status ? ` (status ${status})` : ''}`, final: true };
    }
    const mistaken = this.#faults.find((fault) => MISTAKEN.test(fault));
    const fault = mistaken ?? this.#faults.at(-1);
    if (fault === undefined) return undefined;
    return { message: this.#shown(fault), final: mistaken !== undefined };
  }

  #line(line: string): void {
    const level = PREFIX.exec(line)?.[1];
    const message = line.replace(PREFIX, '').slice(0, LINE_CHARS_MAX);
    if (level === 'info' && message.startsWith('Input #0')) this.#onInput();
    // Without a level it is not ffmpeg who speaks: a wrapper, the loader, the one who starts it.
    if (level === 'info' || level === 'warning' || message.trim() === '') return;
    this.#faults.push(message);
    if (this.#faults.length > FAULTS_MAX) this.#faults.shift();
  }

  #shown(message: string): string {
    let shown = message.replace(/\/\/[^/\s]*@/g, '//');
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, '***');
    return shown.trim().slice(0, SHOWN_CHARS_MAX);
  }
}
