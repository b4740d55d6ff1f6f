/**
 * A limit for what waits to be handled by one process, where input comes from outside and nobody else paces it. Only what is
 * sent by `cast` and `call` counts; exits, DOWNs, stops and timers are never refused and never dropped, and a stop or a kill
 * goes ahead of all that waits. A full mailbox answers the sender and never throws into it.
 *
 * Messages that are sent past the queue (`ref.send`) are handled at once and need no limit.
 */
import type { EventObject } from 'xstate';
import type { Process } from './process.js';
import { isRunning } from './xstate-internals.js';

export interface MailboxOptions {
  /** Messages that may wait. */
  readonly max: number;
  /**
   * `refuse`: the sender is told: `cast` answers false, `call` rejects with `mailbox_full`. `drop_newest`: a cast that does not
   * fit is dropped and counted without a word; a call rejects all the same, for it would wait for nothing.
   */
  readonly overflow: MailboxOverflow;
}

export type MailboxOverflow = 'refuse' | 'drop_newest';

export class Mailbox {
  readonly max: number;
  readonly overflow: MailboxOverflow;
  /** Messages that wait now. */
  waiting = 0;
  /** Messages that found no room, ever. */
  overflowed = 0;

  constructor(options: MailboxOptions) {
    const fault = mailboxFault(options);
    if (fault) throw new TypeError(`mailbox: ${fault}`);
    this.max = options.max;
    this.overflow = options.overflow;
  }

  /** Takes a place for one message. False when there is none. */
  enter(): boolean {
    if (this.waiting < this.max) {
      this.waiting += 1;
      return true;
    }
    this.overflowed += 1;
    return false;
  }

  /** A message that was let in already still has to wait: its process has not begun. */
  hold(): void {
    this.waiting += 1;
  }

  leave(): void {
    this.waiting -= 1;
  }
}

/** The first field that is wrong, what was expected and what came; `undefined` when all are good. */
export function mailboxFault({ max, overflow }: MailboxOptions): string | undefined {
  if (!Number.isInteger(max) || max < 1) return `max must be an integer of 1 or more, not ${max}`;
  if (overflow !== 'refuse' && overflow !== 'drop_newest')
    return `overflow must be refuse or drop_newest, not ${String(overflow)}`;
  return undefined;
}

/** Puts a message that counts into the queue. False when there was no room for it. */
export function deliver(process: Process, event: EventObject): boolean {
  const { ref, system, mailbox } = process;
  if (!mailbox) {
    system.post(ref, event);
    return true;
  }
  if (!mailbox.enter()) {
    if (mailbox.overflowed === 1) system.emit({ type: 'mailbox.full', process, max: mailbox.max });
    return false;
  }
  system.defer(() => {
    mailbox.leave();
    if (isRunning(ref)) ref.send(event);
    else system.deadLetters += 1;
  });
  return true;
}
