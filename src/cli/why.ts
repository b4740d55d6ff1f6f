/** `sluice why ID`: why an actor ended, from the first failure on, in one paragraph. */
import type { CauseView } from '../gateway/views.js';
import { type RemoteCommand, remotely } from './remote-command.js';
import { plain } from './terminal-text.js';

export interface WhyAnswer {
  /** From the last end back to the first failure. */
  readonly why: readonly CauseView[];
  readonly paragraph: string;
}

/** Exit code 1 where nothing is known of an end. */
export function runWhy(command: RemoteCommand & { readonly id: string }): Promise<number> {
  return remotely(command, 'why', async (gateway) => {
    const answer = await gateway.get<WhyAnswer>(`/api/why/${encodeURIComponent(command.id)}`);
    command.stdout.write(command.json ? `${JSON.stringify(answer)}\n` : `${plain(answer.paragraph)}\n`);
    return answer.why.length === 0 ? 1 : 0;
  });
}
