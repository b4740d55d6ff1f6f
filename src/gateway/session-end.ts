/** Waiting for the end of a session: whoever takes its place begins only then. */
import { monitor } from '../otp/monitor.js';
import type { Session } from './session.js';

/** Asks the session to go and resolves when it is gone. */
export async function ended(session: Session, ask: () => void): Promise<void> {
  await session.begun;
  if (!session.alive) return;
  await new Promise<void>((resolve) => {
    monitor(session.process.ref, () => resolve());
    ask();
  });
}
