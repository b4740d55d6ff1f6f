/** One server and those who speak over it, each in a process of its own. */
import { Peer, wait } from '../peer.js';
import { material, TLS } from '../relay/material.js';
import type { AudioAsks } from './server.js';
import type { Heard, SpeakerAsks } from './speakers.js';

export const KINDS = ['naive', 'pass-through', 'http2', 'sluice'] as const;
export type Kind = (typeof KINDS)[number];
export type Run = Heard & { readonly cpuUs: number; readonly wallMs: number };

/** A turn runs in before it is measured. */
const RUN_IN_MS = 1_000;

export class Talk {
  readonly kind: Kind;
  readonly #server: Peer<AudioAsks>;
  readonly #speakers = new Peer<SpeakerAsks>(new URL('./speakers.js', import.meta.url));

  private constructor(kind: Kind) {
    this.kind = kind;
    this.#server = new Peer(new URL('./server.js', import.meta.url), material ? [kind, TLS] : [kind]);
  }

  static async start(kind: Kind, count: number): Promise<Talk> {
    const talk = new Talk(kind);
    const port = await talk.#server.ask('listen');
    await talk.#speakers.ask('open', { port, count, rooms: kind === 'sluice', tls: material !== undefined });
    return talk;
  }

  async turn(measureMs: number): Promise<Run> {
    await this.#speakers.ask('begin');
    await wait(RUN_IN_MS);
    await Promise.all([this.#server.ask('mark'), this.#speakers.ask('mark')]);
    await wait(measureMs);
    const [cost, heard] = await Promise.all([this.#server.ask('measure'), this.#speakers.ask('measure')]);
    return { ...heard, ...cost };
  }

  async end(): Promise<void> {
    await Promise.all([this.#server.end(), this.#speakers.end()]);
  }
}
