/** What the log says of events, how often, and what it never says. */
import { type Logger, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { logEvents } from '../../src/ops/log.js';
import { ownLogger } from '../../src/ops/own-logger.js';
import { WholeGateway } from '../gateway/whole-gateway.js';

type Line = Readonly<Record<string, unknown>>;

function logged(level = 'debug'): { readonly log: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  return { log: pino({ level }, { write: (text: string) => void lines.push(JSON.parse(text)) }), lines };
}

/** Events as they come, told to the log. */
function telling(log: Logger): (event: Omit<GatewayEvent, 'id' | 'atMs'>) => void {
  let tell: (event: GatewayEvent) => void = () => {};
  logEvents(log, {
    onEvent: (listener) => {
      tell = listener;
      return () => {};
    },
  });
  let id = 0;
  return (event) => {
    id += 1;
    tell({ id, atMs: 0, ...event });
  };
}

describe('the log of events', () => {
  it('E-d writes a warning that repeats ten times, then one in fifty, which says how often it was', () => {
    const { log, lines } = logged();
    const tell = telling(log);
    for (let count = 1; count <= 120; count += 1) {
      tell({ type: 'channel.failed', actor: 'a', kind: 'channel', reason: 'x', ...(count > 1 ? { count } : {}) });
    }
    expect(lines.map(({ times }) => times)).toEqual([...Array(10).fill(undefined), 50, 100]);
  });

  it('E-d never leaves out a restart', () => {
    const { log, lines } = logged();
    const tell = telling(log);
    for (let count = 1; count <= 60; count += 1) tell({ type: 'process.restarted', actor: 'a', kind: 'k', count });
    expect(lines).toHaveLength(60);
  });

  it('E-d makes one child of the logger for an actor that lives long, and forgets it at its end', () => {
    const { log, lines } = logged();
    let made = 0;
    const child = log.child.bind(log);
    log.child = ((bindings: object) => {
      made += 1;
      return child(bindings);
    }) as never;
    const tell = telling(log);
    const camera = { actor: 'sluice/cameras/camera:a', kind: 'camera' };
    for (let at = 0; at < 3; at += 1) tell({ type: 'camera.closed', ...camera });
    expect(made).toBe(1);
    tell({ type: 'process.down', ...camera, reason: 'killed' });
    tell({ type: 'camera.closed', ...camera });
    expect(made).toBe(2);
    expect(lines.every((line) => line['actor'] === camera.actor && line['kind'] === 'camera')).toBe(true);
  });
});

describe('a secret in what a host or another server says', () => {
  const SECRETS = ['planted-basic', 'planted-parameter', 'planted-bearer', 'planted-field', 'planted-deep'];

  it('D-25 is in no event, no cause and no line of the log', async () => {
    const whole = await WholeGateway.start();
    const { log, lines } = logged('trace');
    const undo = logEvents(log, whole.live);
    const { chronicle } = whole.gateway;
    const url = `rtsp://admin:${SECRETS[0]}@camera/live?api_key=${SECRETS[1]}&fps=5`;
    chronicle.note({
      type: 'channel.failed',
      actor: 'a',
      kind: 'channel',
      reason: `Error: 401 from ${url} with Authorization: Bearer ${SECRETS[2]}`,
      detail: {
        token: SECRETS[3],
        metadata: { 'x-api-key': SECRETS[4], headers: { authorization: SECRETS[4] } },
        target: url,
        error: new Error(`no answer from ${url}`),
        attempt: 3,
      },
    });
    // What an actor throws is its reason, here and in the chain of causes.
    const camera = whole.gateway.cameras.get('front').process;
    camera.crash(new Error(`cannot open ${url}`));
    await whole.settle();
    const said = JSON.stringify([whole.live.events(), whole.live.why(camera.path), lines]);
    for (const secret of SECRETS) expect(said).not.toContain(secret);
    expect(said).toContain('rtsp://[hidden]@camera/live?api_key=[hidden]&fps=5');
    expect(said).toContain('"attempt":3');
    undo();
    await whole.stop();
  });

  it('D-25 is hidden by the logger of a gateway whose host brings none', () => {
    const texts: string[] = [];
    const log = ownLogger('info', { write: (text: string) => void texts.push(text) });
    const secret = 'planted';
    log.info({ token: secret, headers: { authorization: secret, 'x-api-key': secret } }, 'one');
    log.info({ request: { headers: { authorization: secret, cookie: secret } } }, 'two');
    log.error({ err: new Error(`https://u:${secret}@host/ failed`) }, 'three');
    expect(texts).toHaveLength(3);
    expect(texts.join('')).not.toContain(secret);
    expect(texts.join('')).toContain('https://[hidden]@host/ failed');
  });
});
