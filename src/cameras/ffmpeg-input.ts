/**
 * What ffmpeg is told of one input: `rtsp(s)://…` as it stands, and behind `ffmpeg:` whatever ffmpeg reads, an address, a file, a
 * device. There is no shell, and the input is always the value of `-i`, so that nothing in it is taken for an option. The
 * few options that an input may need stand behind it after `#`, each checked: `format` (what `-f` is given), `realtime=1` (a
 * file at its own speed) and, for RTSP, `transport` (`tcp`, the default, or `udp`).
 *
 * The arguments of a process can be read by other users of the machine, as with every program that is started this way.
 */
import { GatewayError } from '../gateway/gateway-error.js';
import { secretsOf, sourceLabel } from './source-label.js';

export interface FfmpegInput {
  /** As it may be shown. */
  readonly label: string;
  /** Everything up to and with `-i` and its value. */
  readonly args: readonly string[];
  /** What must not be shown of what ffmpeg says. */
  readonly secrets: readonly string[];
}

/** How long the network may be silent before ffmpeg itself gives up. The camera's own watch is shorter and comes first. */
const SILENCE_US = '10000000';
const OPTIONS = /#([a-z]+=[\w.,-]*(?:&[a-z]+=[\w.,-]*)*)$/;
const ADDRESS = /^([a-z][a-z0-9+.-]*):\/\//i;

/** Reads a source. Throws `bad_source` for one that says nothing, or has options that are not known. */
export function ffmpegInput(source: string): FfmpegInput {
  const text = source.trim();
  const options = OPTIONS.exec(text)?.[1] ?? '';
  const whole = options === '' ? text : text.slice(0, -options.length - 1);
  const input = whole.replace(/^ffmpeg:/i, '');
  const label = whole === input ? labelOf(input) : `ffmpeg:${labelOf(input)}`;
  if (input === '') throw new GatewayError('bad_source', 'source: expected an input after ffmpeg:, got nothing');
  // Node would refuse it when the process is started, with a message that repeats it.
  if (input.includes('\0')) throw new GatewayError('bad_source', 'source: expected an input without zero bytes');
  const scheme = ADDRESS.exec(input)?.[1]?.toLowerCase();
  return {
    label,
    args: [...optionArguments(options, scheme, label), ...networkArguments(scheme), '-i', input],
    secrets: secretsIn(input),
  };
}

function optionArguments(options: string, scheme: string | undefined, label: string): readonly string[] {
  const rtsp = scheme === 'rtsp' || scheme === 'rtsps';
  const asked = new URLSearchParams(options);
  const take = (name: string, allowed: RegExp, expected: string): string | null => {
    const value = asked.get(name);
    if (value !== null && !allowed.test(value)) {
      throw new GatewayError('bad_source', `${label}: ${name}: expected ${expected}, got "${value}"`);
    }
    asked.delete(name);
    return value;
  };
  const format = take('format', /^[a-z0-9_,]+$/, 'the name of a format');
  const realtime = take('realtime', /^[01]$/, '0 or 1');
  const transport = rtsp ? (take('transport', /^(tcp|udp)$/, 'tcp or udp') ?? 'tcp') : undefined;
  for (const name of asked.keys()) {
    const known = rtsp ? 'format, realtime, transport' : 'format, realtime';
    throw new GatewayError('bad_source', `${label}: expected options of ${known} after #, got "${name}"`);
  }
  return [
    ...(transport === undefined ? [] : ['-rtsp_transport', transport]),
    ...(realtime === '1' ? ['-re'] : []),
    ...(format === null ? [] : ['-f', format]),
  ];
}

/** ffmpeg refuses an option that the input does not know, so each is given only where it is known. */
function networkArguments(scheme: string | undefined): readonly string[] {
  switch (scheme) {
    case 'rtsp':
    case 'rtsps':
      return ['-timeout', SILENCE_US];
    case 'http':
    case 'https':
    case 'tcp':
    case 'rtmp':
      return ['-rw_timeout', SILENCE_US];
    default:
      return [];
  }
}

function labelOf(input: string): string {
  return ADDRESS.test(input) && URL.canParse(input)
    ? sourceLabel(new URL(input))
    : input.replace(/\/\/[^/\s]*@/g, '//');
}

function secretsIn(input: string): readonly string[] {
  const secrets = URL.canParse(input) ? secretsOf(new URL(input)) : [];
  const credentials = /\/\/([^/\s]*)@/.exec(input)?.[1];
  return credentials === undefined ? secrets : [...secrets, credentials];
}
