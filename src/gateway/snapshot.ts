/** One frame of a camera, for whoever wants no more than that. */
import type { Camera } from './camera.js';
import type { Frame } from './frame.js';
import { GatewayError } from './gateway-error.js';

/** The next frame of this camera, which is opened for it where it is on demand. Rejects with `no_picture` after the time. */
export function nextFrame(camera: Camera, timeoutMs: number): Promise<Frame> {
  return new Promise((resolve, reject) => {
    const give = (settle: () => void): void => {
      void limit.release();
      leave();
      settle();
    };
    const fail = (why: string): void =>
      give(() => reject(new GatewayError('no_picture', `no_picture: camera "${camera.id}" ${why}`)));
    const limit = camera.process.scope.timer(timeoutMs, () => fail(`gave no picture within ${timeoutMs} ms`));
    const leave = camera.join({
      push: (frame) => give(() => resolve(frame)),
      cameraEnded: () => fail('has ended'),
    });
  });
}
