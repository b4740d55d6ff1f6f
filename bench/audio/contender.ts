/** What the audio benchmark asks of each server: whoever speaks on a stream is heard on the one that it is paired with. */
export interface AudioContender {
  listen(): Promise<number>;
}

export const STREAM_AUDIO = '/sluice.v1.AudioBridge/StreamAudio';

/** Two by two they hear each other: 0 and 1, 2 and 3, … */
export function userOf(stream: number): string {
  return `user-${stream}`;
}

export function roomOf(stream: number): string {
  return `room-${stream >> 1}`;
}
