/** A whole gateway with gRPC cameras, seen from where it is used: frames, events, log lines. */
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { GatewayHostOptions, SluiceGateway } from '../../src/create-gateway.js';
import type { GatewayEvent } from '../../src/gateway/views.js';
import { runGateway } from '../grpc/running-gateway.js';

export type LogRecord = Readonly<Record<string, unknown>>;

/** As fast as the statements allow a test to be. */
export const QUICK = { delayMs: 20, slowMs: 40, slowMaxMs: 80 };

export interface Watched {
  /** Numbers of the frames that came, in the order in which they came. */
  readonly seqs: readonly number[];
  readonly texts: readonly string[];
  /** Resolves when so many more have come. */
  more(count?: number): Promise<void>;
  leave(): void;
}

export class CameraGateway {
  readonly gateway: SluiceGateway;
  readonly address: string;
  readonly log: readonly LogRecord[];
  readonly #waiting = new Set<() => void>();

  private constructor(gateway: SluiceGateway, address: string, log: readonly LogRecord[]) {
    this.gateway = gateway;
    this.address = address;
    this.log = log;
    gateway.on('*', () => this.#look());
  }

  static async start(options: GatewayHostOptions): Promise<CameraGateway> {
    const log: LogRecord[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) });
    const { gateway, address } = await runGateway({ logger, random: () => 0, ...options });
    return new CameraGateway(gateway, address, log);
  }

  /** Takes the frames of a camera as a host does, and so keeps it open. */
  watch(id = 'front'): Watched {
    const seqs: number[] = [];
    const texts: string[] = [];
    const leave = this.gateway.cameras.process(id, ({ seq, picture }) => {
      seqs.push(seq);
      texts.push(picture.toString());
      this.#look();
    });
    onTestFinished(leave);
    const more = (count = 1): Promise<void> => {
      const wanted = seqs.length + count;
      return this.until(() => seqs.length >= wanted);
    };
    return { seqs, texts, more, leave };
  }

  state(id = 'front'): string | undefined {
    return this.gateway.cameras.views().find((camera) => camera.id === id)?.state;
  }

  /** Every event of this type so far, for this camera. */
  events(type: string, camera = 'front'): readonly GatewayEvent[] {
    return this.#events.filter((event) => event.type === type && event.detail?.['camera'] === camera);
  }

  /** Resolves when so many events of this type have come. */
  happened(type: string, count = 1): Promise<void> {
    return this.until(() => this.events(type).length >= count);
  }

  /** Looks again with every event and frame. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  readonly #events: GatewayEvent[] = [];

  /** From here on events are kept. */
  keepEvents(onEvent: (event: GatewayEvent) => void = () => {}): this {
    this.gateway.on('*', (event) => {
      this.#events.push(event);
      onEvent(event);
      this.#look();
    });
    return this;
  }

  #look(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const look of waiting) look();
  }
}
