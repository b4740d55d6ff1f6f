/** The words for what happens to a camera and for how it is, as events, pages and logs say them: stable names. */

/**
 * What people ask about; each is noted with the camera's id.
 *
 * - `camera.retrying`: an attempt has failed, why, and how long the pause before the next one is.
 * - `camera.disconnected`: the fast lane of retries is spent, or no retry can help; once each time.
 * - `camera.closed`: an attempt is gone, whatever ended it.
 * - `frame.failed`: the host's own processing of a frame failed, and goes on with the next.
 */
export type CameraNote = 'camera.retrying' | 'camera.disconnected' | 'camera.closed' | 'frame.failed';

export interface CameraNoteDetail {
  readonly reason?: string | undefined;
  readonly [name: string]: unknown;
}

/** The one word for a camera's state that the API and the page use. */
export function cameraState(state: string): string {
  if (!state.startsWith('alive.live')) return state.split('.')[1]?.replace(/\(.*/, '') ?? state;
  if (state.includes('pictures.stale')) return 'stale';
  return state.includes('demand.lingering') ? 'lingering' : 'live';
}
