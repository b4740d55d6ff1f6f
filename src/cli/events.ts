/**
 * `sluice events`: what has happened in a running gateway, and with `--follow` what happens from now on. A connection that
 * breaks is made again and resumes after the last event that was shown, so that nothing is left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayEvent } from '../gateway/views.js';
import type { Remote } from './remote.js';
import { type RemoteCommand, remotely } from './remote-command.js';
import { plain } from './terminal-text.js';

export interface EventsCommand extends RemoteCommand {
  readonly follow?: boolean | undefined;
  /** Interrupts; that is an orderly end. */
  readonly signal: AbortSignal;
}

const AGAIN_MS = 1_000;

export function runEvents(command: EventsCommand): Promise<number> {
  return remotely(command, 'events', async (gateway) => {
    let lastId = 0;
    const show = (event: GatewayEvent): void => {
      lastId = event.id;
      command.stdout.write(`${command.json ? JSON.stringify(event) : eventLine(event)}\n`);
    };
    const { events } = await gateway.get<{ readonly events: readonly GatewayEvent[] }>('/api/events');
    for (const event of events) show(event);
    if (command.follow) await followEvents(gateway, () => lastId, show, command);
    return 0;
  });
}

/** Ends when it is interrupted; a gateway that has gone is looked for until then, and that it has gone is said once. */
async function followEvents(
  gateway: Remote,
  lastId: () => number,
  show: (event: GatewayEvent) => void,
  { signal, stderr }: EventsCommand,
): Promise<void> {
  let lost = false;
  // A remark is for now only and no event: it comes with a name and without an id.
  let remark = false;
  const line = (text: string): void => {
    lost = false;
    if (text === '') remark = false;
    else if (text.startsWith('event: ')) remark = true;
    else if (text.startsWith('data: ') && !remark) show(JSON.parse(text.slice('data: '.length)) as GatewayEvent);
  };
  while (!signal.aborted) {
    try {
      await gateway.follow(`/api/events?since=${lastId()}`, line, signal);
    } catch (error) {
      if (!lost && !signal.aborted) stderr.write(`sluice events: ${(error as Error).message}; looking for it again\n`);
      lost = true;
    }
    await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One line: when, what, who, why. */
export function eventLine({ atMs, type, actor, reason }: GatewayEvent): string {
  return plain(
    `${new Date(atMs).toISOString()}  ${type.padEnd(20)} ${actor}${reason === undefined ? '' : `: ${reason}`}`,
  );
}
