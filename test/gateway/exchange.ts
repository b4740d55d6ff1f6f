/**
 * A connector whose far side is the test: every channel that the pool opens stands here until the test says what becomes
 * of it. Around it the pool's real actor, supervised, on virtual time.
 */
import { onTestFinished } from 'vitest';
import type {
  Channel,
  ChannelConnector,
  ChannelLimits,
  ChannelListener,
  ChannelNote,
} from '../../src/gateway/channel.js';
import { Channels, channelsLogic } from '../../src/gateway/channels.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { Lease } from '../../src/gateway/lease.js';
import { Place } from '../../src/gateway/place.js';
import { type Application, assertNoLeaks, exit, startApplication, VirtualClock } from '../../src/otp/index.js';

/** One channel as its far side sees it. */
export class Wire implements Channel {
  readonly target: string;
  readonly listener: ChannelListener;
  state: 'connecting' | 'ready' | 'gone' | 'closed' = 'connecting';
  closings = 0;

  constructor(target: string, listener: ChannelListener) {
    this.target = target;
    this.listener = listener;
  }

  close(): void {
    this.closings += 1;
    this.state = 'closed';
  }

  answers(): void {
    this.state = 'ready';
    this.listener.ready();
  }

  refuses(): void {
    this.state = 'gone';
    this.listener.failed(new Error('connection refused'));
  }

  dies(): void {
    this.state = 'gone';
    this.listener.lost();
  }
}

export class FarSide implements ChannelConnector<Wire, object> {
  readonly wires: Wire[] = [];
  /** Channels answer as soon as they may. */
  prompt = false;

  open(target: string, _options: object | undefined, listener: ChannelListener): Wire {
    if (target === '') throw new GatewayError('invalid_argument', 'target: expected host:port, got ""');
    const wire = new Wire(target, listener);
    this.wires.push(wire);
    if (this.prompt) queueMicrotask(() => wire.state === 'connecting' && wire.answers());
    return wire;
  }

  get standing(): readonly Wire[] {
    return this.wires.filter(({ state }) => state !== 'closed');
  }

  /** The youngest channel to this target. */
  last(target: string): Wire {
    const wire = this.wires.findLast((candidate) => candidate.target === target);
    if (!wire) throw new Error(`nobody has connected to ${target}`);
    return wire;
  }
}

export const LIMITS: ChannelLimits = {
  channelsMax: 3,
  connectMs: 5_000,
  waitMs: 2_000,
  idleMs: 300_000,
  closeMs: 5_000,
};

export interface Exchange {
  readonly clock: VirtualClock;
  readonly app: Application;
  readonly far: FarSide;
  readonly channels: Channels<Wire, object>;
  readonly notes: string[];
  /** Acquires and has the far side answer where it has to connect first. */
  leased(target: string): Promise<Lease<Wire>>;
  held(kind: string): number;
  crash(): void;
}

export async function exchange(limits: Partial<ChannelLimits> = {}): Promise<Exchange> {
  const exchange = await openExchange(limits);
  onTestFinished(async () => {
    const stopped = exchange.app.stop();
    // Calls that a test leaves open are waited for that long.
    exchange.clock.advance(LIMITS.closeMs);
    await stopped;
    assertNoLeaks(exchange.app.system);
  });
  return exchange;
}

export async function openExchange(limits: Partial<ChannelLimits> = {}, last = true): Promise<Exchange> {
  const clock = new VirtualClock();
  const far = new FarSide();
  const place = new Place();
  const notes: string[] = [];
  const note = (type: ChannelNote, { target }: { readonly target: string }): void =>
    void notes.push(`${type} ${target}`);
  const input = () => ({ connector: far, limits: { ...LIMITS, ...limits }, last: () => last, note });
  const app = await startApplication(
    'exchange',
    {
      intensity: 1_000,
      children: [{ id: 'channels', shutdown: 8_000, start: place.starts(channelsLogic, input) }],
    },
    { clock },
  );
  const channels = new Channels<Wire, object>(() => place.process);
  return {
    clock,
    app,
    far,
    channels,
    notes,
    leased: async (target) => {
      const asked = channels.acquire(target);
      const wire = far.wires.findLast((candidate) => candidate.target === target);
      if (wire?.state === 'connecting') wire.answers();
      return asked;
    },
    held: (kind) => app.system.census.count(kind),
    crash: () => {
      if (place.ref) exit(place.ref, 'kill');
      app.system.flush();
    },
  };
}

/** The code with which it is refused. */
export const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'granted',
    (error: GatewayError) => error.code,
  );

/** A call that is open until somebody ends it. */
export function call() {
  let cancelled = 0;
  return {
    cancel: () => {
      cancelled += 1;
    },
    get cancelled() {
      return cancelled;
    },
  };
}
