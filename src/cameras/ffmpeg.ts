/**
 * The driver for `rtsp://`, `rtsps://` and everything else that ffmpeg reads (`ffmpeg:…`): one ffmpeg for each attempt, as a child
 * that is never left behind, which writes MJPEG to a pipe that the parser of the MJPEG driver cuts. A camera that stalls may
 * freeze that child, or crash it; it cannot touch the gateway.
 *
 * Any end of ffmpeg is a failure of a live source, exit code 0 too: that is how it ends when the camera has reset the
 * connection. Final are refused credentials, an input that ffmpeg does not understand, and ffmpeg missing. There are no timeouts here;
 * the camera's chart has them.
 *
 * ffmpeg 5.1 or later is needed; `SLUICE_FFMPEG` names another program than the `ffmpeg` of the path.
 */
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import { type ChildEnd, FfmpegChild, lifeline } from './ffmpeg-child.js';
import { type FfmpegInput, ffmpegInput } from './ffmpeg-input.js';
import { FfmpegReport } from './ffmpeg-report.js';
import { MjpegParser, type ParserLimits } from './mjpeg-parser.js';

/** `level+info`: with the level before each line, and the line that says that the input is open. */
const BEFORE_INPUT = ['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+info', '-fflags', 'nobuffer'];
/** Each picture as it comes, none doubled to fill a gap; one thread, because there is an ffmpeg for each camera. */
const OUTPUT = ['-an', '-sn', '-dn', '-fps_mode', 'passthrough', '-c:v', 'mjpeg', '-q:v', '4', '-threads', '1'];

/** Makes the driver of one input. Throws a `GatewayError` for one that cannot be used. */
export function ffmpegSource(source: string, limits: ParserLimits = {}): FrameSource {
  const input = ffmpegInput(source);
  return {
    kind: 'ffmpeg',
    label: input.label,
    open: (listener, { clock }) => new FfmpegAttempt({ input, limits, listener, clock }),
  };
}

interface FfmpegAttemptOptions {
  readonly input: FfmpegInput;
  readonly limits: ParserLimits;
  readonly listener: SourceListener;
  readonly clock: Clock;
}

class FfmpegAttempt implements SourceAttempt {
  readonly #options: FfmpegAttemptOptions;
  readonly #parser: MjpegParser;
  readonly #report: FfmpegReport;
  readonly #program = process.env['SLUICE_FFMPEG'] || 'ffmpeg';
  #child: FfmpegChild | undefined;
  #opened = false;
  #ended = false;

  constructor(options: FfmpegAttemptOptions) {
    this.#options = options;
    this.#parser = new MjpegParser({
      ...options.limits,
      onPicture: (data) => {
        if (!this.#ended) options.listener.picture({ contentType: 'image/jpeg', data });
      },
    });
    this.#report = new FfmpegReport(options.input.secrets, () => this.#inputOpened());
    void lifeline().then((before) => this.#start(before));
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#child?.end();
  }

  #start(before: readonly string[]): void {
    if (this.#ended) return;
    const { input, clock } = this.#options;
    const child = new FfmpegChild(
      {
        program: this.#program,
        args: [...BEFORE_INPUT, ...input.args, ...OUTPUT, '-f', 'mpjpeg', 'pipe:1'],
        clock,
        // Read on after the end too, into nothing: a child that blocks in a write does not hear SIGTERM.
        onOutput: (chunk) => {
          if (!this.#ended) this.#parser.push(chunk);
        },
        onText: (text) => this.#report.push(text),
      },
      before,
    );
    this.#child = child;
    void child.gone.then((end) => this.#gone(end));
  }

  #inputOpened(): void {
    if (this.#opened || this.#ended) return;
    this.#opened = true;
    this.#options.listener.opened();
  }

  #gone(end: ChildEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    const { input, listener } = this.#options;
    const { message, final } = this.#verdict(end);
    listener.failed(new SourceError(`${input.label}: ${message}`, { final, cause: end.fault }));
  }

  #verdict(end: ChildEnd): { readonly message: string; readonly final: boolean } {
    if (end.missing) {
      return { message: `expected the program "${this.#program}" on this machine, and there is none`, final: true };
    }
    if (end.fault) return { message: `ffmpeg was not started (${end.fault.message})`, final: false };
    const how = end.signal === null ? `with code ${end.code}` : `by ${end.signal}`;
    const ended = `ffmpeg ended ${how} after ${this.#parser.pictures} pictures`;
    const verdict = this.#report.verdict();
    return verdict ? { ...verdict, message: `${verdict.message} (${ended})` } : { message: ended, final: false };
  }
}
