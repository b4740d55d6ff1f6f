/** What every command that asks a running gateway has in common: who is asked, where the answer goes, and how it fails. */
import { Remote, RemoteError, type RemoteOptions } from './remote.js';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export interface RemoteCommand extends RemoteOptions {
  /** For scripts: JSON and nothing else on standard output. */
  readonly json?: boolean | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Resolves with the exit code: `run`'s, or 1 for a gateway that cannot answer and 2 for a wrong word; said in one line. */
export async function remotely(
  command: RemoteCommand,
  name: string,
  run: (gateway: Remote) => Promise<number>,
): Promise<number> {
  try {
    return await run(new Remote(command));
  } catch (error) {
    const known = error instanceof RemoteError;
    const message = error instanceof Error ? error.message : String(error);
    command.stderr.write(`sluice ${name}: ${message.split('\n', 1)[0]}\n`);
    return known ? error.exitCode : 1;
  }
}
