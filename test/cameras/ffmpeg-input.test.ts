import { describe, expect, it } from 'vitest';
import { ffmpegInput } from '../../src/cameras/ffmpeg-input.js';
import { FfmpegReport } from '../../src/cameras/ffmpeg-report.js';

describe('what ffmpeg is told of an input', () => {
  it.each([
    ['rtsp://cam/1', ['-rtsp_transport', 'tcp', '-timeout', '10000000', '-i', 'rtsp://cam/1']],
    ['rtsp://cam/1#transport=udp', ['-rtsp_transport', 'udp', '-timeout', '10000000', '-i', 'rtsp://cam/1']],
    ['ffmpeg:http://cam/v', ['-rw_timeout', '10000000', '-i', 'http://cam/v']],
    ['ffmpeg:/dev/video0#format=v4l2', ['-f', 'v4l2', '-i', '/dev/video0']],
    ['ffmpeg:/a b.mp4#realtime=1', ['-re', '-i', '/a b.mp4']],
    ['ffmpeg:color=#00ff00', ['-i', 'color=#00ff00']],
    // What looks like options is still the one value of -i, and nothing is read by a shell.
    ['ffmpeg:-y /etc/passwd', ['-i', '-y /etc/passwd']],
    ['ffmpeg:$(reboot); `reboot` | x', ['-i', '$(reboot); `reboot` | x']],
  ])('is an argument for each thing: %s', (source, args) => {
    expect(ffmpegInput(source).args).toEqual(args);
  });
});

describe('what ffmpeg says', () => {
  const report = (...lines: readonly string[]) => {
    let opened = 0;
    const read = new FfmpegReport(ffmpegInput('rtsp://ad%6din:s3cret@cam/1?token=t0ken').secrets, () => {
      opened += 1;
    });
    // In pieces, as a pipe gives them.
    for (const piece of lines.join('\n').match(/[\s\S]{1,7}/g) ?? []) read.push(piece);
    return { verdict: read.verdict(), opened };
  };

  it('is read for the opening of the input', () => {
    expect(report("[info] Input #0, rtsp, from 'x':", '[info]   Metadata:').opened).toBe(1);
    expect(report('[error] x: Input #0 is missing', '').opened).toBe(0);
  });

  it('is told without the credentials that it repeats, as they stand and decoded', () => {
    const { verdict } = report('[error] rtsp://ad%6din:s3cret@cam/1?token=t0ken: Invalid data, admin, s3cret, t0ken');
    expect(verdict).toEqual({ message: 'rtsp://cam/1?token=***: Invalid data, ***, ***, ***', final: false });
  });

  it.each([
    ['[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized', 'credentials refused (status 401)', true],
    ["[fatal] Unknown input format: 'x'", "Unknown input format: 'x'", true],
    ['[error] x: Protocol not found\n[error] Did you mean file:x?', 'x: Protocol not found', true],
    ['[rtsp @ 0x5] [error] method DESCRIBE failed: 404 Not Found', 'method DESCRIBE failed: 404 Not Found', false],
    ['[error] /dev/video0: No such file or directory', '/dev/video0: No such file or directory', false],
  ])('is final only where no retry helps: %s', (line, message, final) => {
    expect(report(line).verdict).toEqual({ message, final });
  });

  it('is kept within bounds, however much and however long it is', () => {
    const read = new FfmpegReport([], () => {});
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 20_000; n += 1) read.push(`[error] ${'x'.repeat(1_000)}${n}\n`);
    for (let n = 0; n < 2_000; n += 1) read.push('y'.repeat(10_000));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    expect(read.verdict()?.message.length).toBeLessThanOrEqual(300);
  });
});
