/** Placeholder for the types that others need; see the brief. */
export type OverflowPolicy = 'drop_oldest' | 'drop_newest' | 'latest' | 'block' | 'disconnect';
