/** An uplink along every path of `machines/uplink.ts`: the real actor over a transport that does what the walk says. */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type UplinkContext, type UplinkInput, uplinkMachine } from '../../machines/uplink.js';
import { Turn } from '../../src/gateway/turn.js';
import { Uplink, uplinkLogic } from '../../src/gateway/uplink.js';
import { UPLINK_DEFAULTS, type UplinkEvent } from '../../src/gateway/uplink-transport.js';
import { HeldTransport } from './paths/held-transport.js';
import { isDelay, type ModelEvent, nameOf } from './paths/model.js';
import { type Cause, NEVER_MS, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const error = new Error('connection reset');
/** Two lengths, so that the second failure still makes a difference. */
const retry = { initialMs: 10, maxMs: 20, jitter: 0 };

/** The field of the chart's context that holds the length of a delay. */
const FIELDS = {
  'after connectTimeout': 'connectMs',
  'after firstMessageTimeout': 'firstMessageMs',
  'after stable': 'stableMs',
  'after closeTimeout': 'closeMs',
  'after degradedAfter': 'degradedMs',
} as const;

class UplinkSubject extends Subject {
  readonly #transport = new HeldTransport();
  readonly #uplink: Uplink;
  readonly #told: UplinkEvent[] = [];
  /** The whole way by name, and how much of it has been gone. */
  readonly #way: readonly string[];
  #gone = 0;

  constructor(way: readonly ModelEvent[]) {
    super();
    this.#way = way.map(nameOf);
    this.#uplink = new Uplink({
      transport: this.#transport,
      options: {
        ...UPLINK_DEFAULTS,
        heartbeatMs: NEVER_MS,
        inactivityMs: this.#length('silence.detected'),
        ...this.#times(),
      },
      turn: new Turn(),
      random: () => 0,
      tell: (event) => this.#told.push(event),
    });
    this.walksAs(this.start(uplinkLogic, { id: 'uplink', input: this.#uplink.input, body: this.#uplink }));
  }

  /** Out of reach, unless it is still to come; then longer than whatever comes before it. */
  #length(name: string): number {
    const at = this.#way.indexOf(name, this.#gone);
    return at === -1 ? NEVER_MS : 10 * 4 ** at;
  }

  #times(): Pick<UplinkInput, (typeof FIELDS)[keyof typeof FIELDS] | 'retry'> {
    const fields = Object.entries(FIELDS).map(([name, field]) => [field, this.#length(name)]);
    const pauseMs = this.#length('after retryDelay');
    return { ...Object.fromEntries(fields), retry: { initialMs: pauseMs, maxMs: 2 * pauseMs, jitter: 0 } };
  }

  protected override causeOf({ type, final }: ModelEvent): Cause | undefined {
    // A timer that is set in this step has the length that the steps after it need.
    this.#gone += 1;
    Object.assign(this.snapshot.context as UplinkContext, this.#times());
    const { current } = this.#transport;
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'attempt.opened':
        return current && (() => this.#reports(() => current.listener.opened()));
      case 'peer.heard':
        return this.is({ alive: { link: 'accepted' } }) && current
          ? () => this.#reports(() => current.listener.heard())
          : undefined;
      case 'attempt.failed':
        return current && (() => this.#reports(() => current.listener.failed(error, final as boolean)));
      case 'silence.detected':
        return this.is({ alive: { link: 'live' } }) ? () => this.advanceTo(type) : undefined;
      case 'attempt.closed':
        return this.is({ alive: { link: 'recovering' } }) || this.is('closing') ? () => this.#finish() : undefined;
      default:
        return undefined;
    }
  }

  override check({ context, status }: AnyMachineSnapshot): void {
    const { failures, stuck, reason } = context as UplinkContext;
    expect(this.snapshot.context as UplinkContext).toMatchObject({ failures, stuck, reason });
    const open = ['connecting', 'accepted', 'live'].some((link) => this.is({ alive: { link } }));
    expect(
      this.#transport.attempts.filter(({ closing }) => !closing),
      'attempts that are open',
    ).toHaveLength(open ? 1 : 0);
    if (open)
      expect(this.#transport.current?.fresh, 'over something new').toBe(stuckBefore(this.#transport, this.#told));
    const service = this.#told.filter(({ type }) => type === 'uplink.available' || type === 'uplink.degraded').at(-1);
    if (this.is({ alive: { service: 'degraded' } })) expect(service?.type).toBe('uplink.degraded');
    if (this.is({ alive: { service: 'available' } })) expect(service?.type).toBe('uplink.available');
    expect(this.process.exit).toEqual(status === 'done' ? reason : undefined);
  }

  override checkEnd(): void {
    expect(this.#transport.current, 'an attempt that is open').toBeUndefined();
    expect(this.#told.filter(({ type }) => type === 'uplink.closed')).toHaveLength(1);
  }

  override async end(): Promise<void> {
    const ended = super.end();
    for (const attempt of this.#transport.alive) attempt.finish();
    await ended;
  }

  #reports(what: () => void): void {
    what();
    this.system.flush();
  }

  /** The attempt is gone. Where there was none, the uplink has told itself so already, and the message is delivered. */
  #finish(): void | Promise<void> {
    const closing = this.#transport.attempts.filter((attempt) => attempt.closing && !attempt.closed);
    if (closing.length === 0) return this.system.flush();
    for (const attempt of closing) attempt.finish();
    return this.settled();
  }
}

/** The last attempt before this one hung. */
function stuckBefore({ attempts }: HeldTransport, told: readonly UplinkEvent[]): boolean {
  const losses = told.filter((event) => event.type === 'uplink.lost');
  return attempts.length > 1 && losses.at(-1)?.reason !== error.message;
}

walkEveryPath('an uplink', {
  machine: uplinkMachine,
  size: { states: 67, moves: 215 },
  input: {
    connectMs: 1,
    firstMessageMs: 1,
    stableMs: 1,
    closeMs: 1,
    degradedMs: 1,
    retry,
    chance: 0,
  } satisfies UplinkInput,
  events: [
    { type: 'attempt.opened' },
    { type: 'peer.heard' },
    { type: 'attempt.failed', final: false },
    { type: 'attempt.failed', final: true },
    { type: 'silence.detected' },
    { type: 'attempt.closed' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: (way) => new UplinkSubject(way),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
