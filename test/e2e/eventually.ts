/** Waiting for something to become true: asked often, given up late, and then with what was seen last. */

/** Generous, since a machine may be busy with other things; a test that passes never waits for it. */
export const DEADLINE_MS = 30_000;
const ASK_AGAIN_MS = 25;

/** Resolves with what `look` gives once `holds` is true of it. Rejects with the last look after the deadline. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean = Boolean,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const giveUpAt = Date.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > giveUpAt) {
      throw new Error(`not within ${deadlineMs} ms: ${what}; last seen: ${JSON.stringify(seen)?.slice(0, 2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** The promise, or a rejection that says what was waited for. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
