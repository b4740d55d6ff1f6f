/** `sluice flight ID > FILE`: what an actor has received and where it has been, as a file that can be replayed. */
import { type RemoteCommand, remotely } from './remote-command.js';

export function runFlight(command: RemoteCommand & { readonly id: string }): Promise<number> {
  return remotely(command, 'flight', async (gateway) => {
    command.stdout.write(await gateway.getText(`/api/actors/${encodeURIComponent(command.id)}/flight`));
    return 0;
  });
}
