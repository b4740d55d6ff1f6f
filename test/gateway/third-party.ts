/** A third party with a real HTTP port: it is told to start and to stop apps, checks who tells it, and remembers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signatureOf, type WebhookBody, type WebhookTarget } from '../../src/gateway/webhook.js';

export const SECRET = 'a secret that is shared';

export class ThirdParty {
  readonly calls: WebhookBody[] = [];
  /** Statuses for the next calls; 200 when none is left. `hang`: no answer at all. */
  readonly answers: (number | 'hang')[] = [];
  readonly forged: string[] = [];
  readonly #server: Server;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor() {
    this.#server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { 'x-sluice-signature': signature, 'x-sluice-timestamp': timestamp } = req.headers;
        if (signature !== `sha256=${signatureOf(SECRET, String(timestamp), text)}`) this.forged.push(text);
        this.calls.push(JSON.parse(text) as WebhookBody);
        const answer = this.answers.shift() ?? 200;
        if (answer !== 'hang') res.writeHead(answer).end();
        for (const waiter of this.#waiting) if (this.calls.length >= waiter.count) waiter.resolve();
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  target(): WebhookTarget {
    return { url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`, secret: SECRET };
  }

  /** Resolves when it has been called so often altogether. */
  called(count: number): Promise<void> {
    if (this.calls.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** `start captions`, `stop captions (restart)`, in order. */
  get story(): string[] {
    return this.calls.map(
      ({ type, packageName, restart }) => `${type.replace('app.', '')} ${packageName}${restart ? ' (restart)' : ''}`,
    );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
