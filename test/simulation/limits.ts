/** How much the simulated gateway may have of each: little, so that every limit is reached. */
export const CLIENTS_MAX = 6;
export const QUEUE_FRAMES = 4;
export const QUEUE_BYTES = 1_000;
/** Chunks of audio are at least 80 bytes. */
export const AUDIO_QUEUE = Math.ceil(QUEUE_BYTES / 80);
/** Shorter than a write may take, so that audio grows old behind one. */
export const MAX_AGE_MS = 250;
export const TOPICS_MAX = 3;
export const SERVICES_MAX = 6;
export const CALLS_MAX = 6;
export const CHANNELS_MAX = 2;
/** How often the janitor comes. */
export const SWEEP_MS = 10_000;
