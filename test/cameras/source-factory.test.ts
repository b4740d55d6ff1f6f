import { describe, expect, it } from 'vitest';
import { sourceFactory } from '../../src/cameras/index.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';

function refusal(url: string): GatewayError {
  try {
    sourceFactory(url);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error(`${url} was not refused with a GatewayError`);
}

describe('the source that a URL names', () => {
  it.each([
    ['clip:', 'clip', 'clip:'],
    ['clip:/srv/door.mjpeg?fps=5', 'clip', 'clip:/srv/door.mjpeg?fps=5'],
    ['http://cam.local/video', 'mjpeg', 'http://cam.local/video'],
    ['push:', 'push', 'push:'],
    ['HTTPS://cam.local:8443/video', 'mjpeg', 'https://cam.local:8443/video'],
  ])('is a driver: %s', (url, kind, label) => {
    expect(sourceFactory(url)).toMatchObject({ kind, label });
  });

  it('is shown without credentials, in whichever place they are', () => {
    const { label } = sourceFactory(
      'http://admin:s3cret@cam.local/v.cgi?user=admin&pwd=s3cret&res=640x360&x-token=abc#s3cret',
    );
    expect(label).toBe('http://cam.local/v.cgi?user=***&pwd=***&res=640x360&x-token=***');
  });

  it.each([
    ['rtsp://admin:s3cret@cam/1', 'source: expected a URL of one of clip:, http:, https:, push:, got rtsp:'],
    ['grpc://cam:1/front', 'source: expected a URL of one of clip:, http:, https:, push:, got grpc:'],
    ['push:front', 'push: expected nothing behind the colon'],
    ['ffmpeg:/dev/video0', 'source: expected a URL of one of clip:, http:, https:, push:, got ffmpeg:'],
    ['constructor:', 'source: expected a URL of one of clip:, http:, https:, push:, got constructor:'],
    ['front door s3cret', 'source: expected a URL of one of clip:, http:, https:, push:, got no scheme'],
    ['', 'source: expected a URL of one of clip:, http:, https:, push:, got no scheme'],
    ['http://admin:s3cret@', 'source: expected a valid URL after http:'],
    ['http://admin:s3cret%@cam/', 'http://cam/: expected credentials in percent-encoding that can be decoded'],
    ['clip:/a.mjpeg?fps=0', 'clip:/a.mjpeg?fps=0: fps: expected a number above 0 and up to 240, got "0"'],
    ['clip:?fps=', 'clip:?fps=: fps: expected a number above 0 and up to 240, got ""'],
    ['clip:?fps=fast', 'clip:?fps=fast: fps: expected a number above 0 and up to 240, got "fast"'],
    ['clip:?speed=2', 'clip:?speed=2: the only parameter of a clip is fps, got "speed"'],
    ['clip://host/a.mjpeg', 'clip://host/a.mjpeg: expected clip:/path, got a host name "host"'],
    ['clip:/%E0%A4%A', 'clip:/%E0%A4%A: expected a path in percent-encoding that can be decoded'],
  ])('is refused with bad_source, in words, without secrets: %s', (url, message) => {
    const error = refusal(url);
    expect(error.code).toBe('bad_source');
    expect(error.message).toBe(message);
    expect(error.message).not.toContain('s3cret');
    expect(error.cause === undefined || !String(error.cause).includes('s3cret')).toBe(true);
  });
});
