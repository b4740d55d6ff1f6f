/** A whole gateway on virtual time, and clients on wires of the test. */
import { expect } from 'vitest';
import { createGateway, type GatewayHostOptions, type SluiceGateway } from '../../src/create-gateway.js';
import type { ControlHandle, ControlWire, Hello, ServerWord } from '../../src/gateway/transport.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { describeReason, VirtualClock } from '../../src/otp/index.js';

type Welcome = Extract<ServerWord, { type: 'welcome' }>;

export class Wire implements ControlWire {
  readonly words: ServerWord[] = [];
  ended: string | undefined;

  send(word: ServerWord, done?: () => void): void {
    if (this.ended !== undefined) throw new Error(`said ${word.type} after the end`);
    this.words.push(word);
    done?.();
  }

  end(reason: Parameters<ControlWire['end']>[0]): void {
    if (this.ended !== undefined) throw new Error('the wire was ended twice');
    this.ended = describeReason(reason);
  }

  get byes(): string[] {
    return this.words.flatMap((word) => (word.type === 'bye' ? [`${word.reason} ${word.reconnect}`] : []));
  }

  get welcome(): Welcome {
    const word = this.words.find(({ type }) => type === 'welcome');
    if (word?.type !== 'welcome') throw new Error('there was no welcome');
    return word;
  }
}

export interface Connected {
  readonly wire: Wire;
  readonly control: ControlHandle;
}

export class VirtualGateway {
  readonly clock = new VirtualClock();
  readonly gateway: SluiceGateway;
  readonly events: GatewayEvent[] = [];

  constructor(options: GatewayHostOptions = {}) {
    this.gateway = createGateway({
      clock: this.clock,
      grpc: { port: 0 },
      http: { port: 0 },
      log: { level: 'silent' },
      ...options,
    });
    this.gateway.on('*', (event) => this.events.push(event));
  }

  static async start(options: GatewayHostOptions = {}): Promise<VirtualGateway> {
    const virtual = new VirtualGateway(options);
    await virtual.gateway.start();
    return virtual;
  }

  /** Stops it and shows that nothing is left. */
  async stop(): Promise<void> {
    const stopped = this.gateway.stop({ deadlineMs: 0 });
    let over = false;
    void stopped.then(() => {
      over = true;
    });
    for (let turn = 0; turn < 100 && !over; turn += 1) {
      await this.settle();
      this.clock.advance(1_000);
    }
    await stopped;
    expect(this.gateway.census()).toEqual({});
  }

  /** Lets promises, sockets and messages come to rest; no time passes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  async connect(nodeId: string, more: Partial<Hello> = {}, wire = new Wire()): Promise<Connected> {
    const control = await this.gateway.sessions.connect({ ...HELLO, nodeId, ...more }, wire);
    await this.settle();
    return { wire, control };
  }

  /** `n connected`, one for each session. */
  get states(): string[] {
    return this.gateway.sessions.views().map(({ nodeId, state }) => `${nodeId} ${state}`);
  }

  /** Kills every actor of a kind, as a crash would. */
  kill(kind: string): number {
    const { system } = this.gateway.sessions.get([...this.gateway.clients.getAllNodeIds()][0] ?? '')?.process ?? {};
    const victims = [...(system?.processes ?? [])].filter((process) => process.kind === kind);
    for (const process of victims) process.terminate('killed');
    return victims.length;
  }
}

const HELLO: Omit<Hello, 'nodeId'> = {
  realm: '',
  role: 'client',
  capabilities: [],
  endpoint: '',
  sessionId: '',
  packageName: '',
  resumeToken: '',
  ordinal: 0,
};
