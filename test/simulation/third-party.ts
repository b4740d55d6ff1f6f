/**
 * The third party behind the webhooks: it is told to start and to stop apps, and does so, fails, or says nothing. What it is
 * told stands in its book.
 */
import type { callWebhook, WebhookBody } from '../../src/gateway/webhook.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';

export class ThirdParty {
  /** What it was told, in order. */
  readonly book: WebhookBody[] = [];
  /** Calls that it has not answered and that nobody has given up. */
  pending = 0;
  onStart: (body: WebhookBody) => void = () => {};
  onStop: (body: WebhookBody) => void = () => {};
  readonly #clock: Clock;
  readonly #dice: Dice;

  constructor(clock: Clock, dice: Dice) {
    this.#clock = clock;
    this.#dice = dice;
  }

  readonly webhook: typeof callWebhook = (_target, body, { attempts, timeoutMs, signal }) => {
    signal.throwIfAborted();
    this.book.push(body);
    this.pending += 1;
    const answer = this.#dice.weighted({ ok: 8, refused: 2, nothing: 1 });
    const afterMs = answer === 'nothing' ? attempts * timeoutMs : this.#dice.chance(0.4) ? 0 : this.#dice.int(1, 6_000);
    if (answer === 'ok' && body.type === 'app.start') this.onStart(body);
    else if (answer === 'ok') this.onStop(body);
    return new Promise<void>((resolve, reject) => {
      const over = (then: () => void): void => {
        this.pending -= 1;
        this.#clock.clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        then();
      };
      const aborted = (): void => over(() => reject(signal.reason as Error));
      const answered = (): void =>
        over(answer === 'ok' ? resolve : () => reject(new Error(`simulated: webhook: ${answer}`)));
      const timer = this.#clock.setTimeout(answered, afterMs);
      signal.addEventListener('abort', aborted);
    });
  };
}
