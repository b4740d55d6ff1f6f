import { describe, expect, it } from 'vitest';
import { sourceFactory } from '../../src/cameras/index.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';

const KNOWN = 'clip:, http:, https:, push:, rtsp:, rtsps:, ffmpeg:';

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
    ['rtsp://admin:s3cret@cam.local:554/1?token=abc#transport=udp', 'ffmpeg', 'rtsp://cam.local:554/1?token=***'],
    ['RTSPS://cam.local/1', 'ffmpeg', 'rtsps://cam.local/1'],
    ['ffmpeg:/dev/video0#format=v4l2', 'ffmpeg', 'ffmpeg:/dev/video0'],
    ['ffmpeg:rtmp://u:s3cret@cam.local/live', 'ffmpeg', 'ffmpeg:rtmp://cam.local/live'],
    ['ffmpeg:concat:http://u:s3cret@a/1|http://b/2', 'ffmpeg', 'ffmpeg:concat:http://a/1|http://b/2'],
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
    ['grpc://cam:1/front', `source: expected a URL of one of ${KNOWN}, got grpc:`],
    ['push:front', 'push: expected nothing behind the colon'],
    ['ffmpeg:', 'source: expected an input after ffmpeg:, got nothing'],
    ['ffmpeg:/dev/video0#speed=2', 'ffmpeg:/dev/video0: expected options of format, realtime after #, got "speed"'],
    ['rtsp://u:s3cret@cam/1#transport=tls', 'rtsp://cam/1: transport: expected tcp or udp, got "tls"'],
    ['constructor:', `source: expected a URL of one of ${KNOWN}, got constructor:`],
    ['front door s3cret', `source: expected a URL of one of ${KNOWN}, got no scheme`],
    ['', `source: expected a URL of one of ${KNOWN}, got no scheme`],
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
