/** Whatever strangers send as messages and headers: a status where one can be given, and nobody else disturbed. */
import { constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { FuzzedGateway, MAX_BYTES, WATCH } from './fuzzed-gateway.js';
import { answerOf, call, framed, openCall, openSession, type RawAnswer } from './raw-http2.js';

const fuzzed = new FuzzedGateway();

const METHODS = [
  '/sluice.v1.Gateway/Connect',
  '/sluice.v1.Gateway/Watch',
  '/sluice.v1.Gateway/Publish',
  '/sluice.v1.Gateway/Call',
  '/sluice.v1.Camera/ProduceCameraStream',
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
  '/grpc.health.v1.Health/List',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
];

describe('random bytes as messages', () => {
  it('end every call with a status, and none as a fault of which nobody knows', async () => {
    const session = openSession(fuzzed.address);
    const answers = await Promise.all(
      Array.from({ length: 400 }, () => {
        const path = fuzzed.dice.pick(METHODS) as string;
        const messages = Array.from({ length: fuzzed.dice.int(1, 4) }, () => framed(fuzzed.randomBytes(60)));
        return call(session, path, Buffer.concat(messages), { 'grpc-timeout': '500m' });
      }),
    );
    for (const answer of answers) {
      expectEnd(answer);
      expect(answer.status).not.toBe(Code.UNKNOWN);
    }
    session.close();
    await fuzzed.emptied();
  });

  it('may be cut anywhere, in many pieces, and have any flag', async () => {
    const session = openSession(fuzzed.address);
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const stream = openCall(session, fuzzed.dice.pick(METHODS) as string, { 'grpc-timeout': '500m' });
        const answer = answerOf(stream);
        const body = framed(fuzzed.randomBytes(200), { flag: fuzzed.dice.int(0, 255) });
        const cut = body.subarray(0, fuzzed.dice.int(0, body.length));
        for (let at = 0; at < cut.length; ) {
          const next = at + fuzzed.dice.int(1, 40);
          stream.write(cut.subarray(at, next));
          at = next;
        }
        stream.end();
        return answer;
      }),
    );
    for (const answer of answers) expectEnd(answer);
    session.close();
    await fuzzed.emptied();
  });
});

/** With a status, or where grpc-js has lost it (`closeEnded`), with the stream closed all the same. */
function expectEnd({ status, body }: RawAnswer): void {
  if (status === undefined) expect(body.length).toBeGreaterThan(0);
}

describe('a message that cannot be read, while the one before is answered', () => {
  it('ends the call, though grpc-js has lost its status', async () => {
    const session = openSession(fuzzed.address);
    const good = [Buffer.from('\x3a\x00'), Buffer.from('\x3a\x00')];
    const body = Buffer.concat([...good, Buffer.from([0xff, 0xff, 0xff])].map((message) => framed(message)));
    const stream = openCall(session, METHODS.at(-1) as string);
    const answer = answerOf(stream);
    stream.write(body);
    const { status, reset } = await answer;
    expect(status === Code.INTERNAL || reset !== constants.NGHTTP2_NO_ERROR).toBe(true);
    session.close();
  });
});

describe('a message of a length that is not its own', () => {
  it('that is larger than the limit is RESOURCE_EXHAUSTED before it has come', async () => {
    const session = openSession(fuzzed.address);
    for (const path of METHODS) {
      const stream = openCall(session, path);
      const answer = answerOf(stream);
      stream.write(framed(Buffer.alloc(10), { length: fuzzed.dice.int(MAX_BYTES + 1, 2 ** 32 - 1) }));
      expect((await answer).status, path).toBe(Code.RESOURCE_EXHAUSTED);
    }
    session.close();
    await fuzzed.emptied();
  });

  it('that grows when it is unpacked is RESOURCE_EXHAUSTED as well', async () => {
    const session = openSession(fuzzed.address);
    const bomb = framed(gzipSync(Buffer.alloc(20 * 1024 * 1024)), { flag: 1 });
    const { status } = await call(session, WATCH, bomb, { 'grpc-encoding': 'gzip' });
    expect(status).toBe(Code.RESOURCE_EXHAUSTED);
    session.close();
  });

  it('that says it is compressed and is not, or in a way that nobody knows, is refused', async () => {
    const session = openSession(fuzzed.address);
    const lie = framed(fuzzed.randomBytes(100), { flag: 1 });
    expect((await call(session, WATCH, lie, { 'grpc-encoding': 'gzip' })).status).toBe(Code.INTERNAL);
    expect((await call(session, WATCH, lie, { 'grpc-encoding': 'br' })).status).toBe(Code.UNIMPLEMENTED);
    session.close();
  });
});

describe('headers', () => {
  it('that are too large end their stream alone', async () => {
    const session = openSession(fuzzed.address);
    // The limits hold once the peer has acknowledged them; who never does has those of nghttp2, which are larger.
    expect((await call(session, '/grpc.health.v1.Health/Check', framed(Buffer.alloc(0)))).status).toBe(Code.OK);
    const ok = call(session, '/grpc.health.v1.Health/Check', framed(Buffer.alloc(0)));
    const long = await call(session, WATCH, framed(Buffer.alloc(0)), { 'x-long': 'x'.repeat(60_000) });
    expect([long.status, long.reset]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'y']));
    const crowded = await call(session, WATCH, framed(Buffer.alloc(0)), many);
    expect([crowded.status, crowded.reset]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    expect((await ok).status).toBe(Code.OK);
    session.close();
    await fuzzed.emptied();
  });

  it('that make no sense are answered', async () => {
    const session = openSession(fuzzed.address);
    const body = framed(Buffer.alloc(0));
    const ask = (path: string, headers: object = {}) => call(session, path, body, headers);
    const stderr = vi.spyOn(console, 'error');
    expect((await ask(WATCH, { 'content-type': 'text/html' })).httpStatus).toBe(415);
    expect((await ask(WATCH, { 'grpc-timeout': 'soon' })).status).toBe(Code.INTERNAL);
    expect((await ask(WATCH, { 'grpc-timeout': '0n' })).status).toBeDefined();
    const odd: object[] = [
      { authorization: 'Bearer \xfe' },
      { 'x-node-id': '\xe4'.repeat(2_000) },
      { 'x-a': ['a', '\xff'] },
    ];
    for (const headers of odd) {
      expect(await ask(WATCH, headers)).toMatchObject({
        status: Code.INVALID_ARGUMENT,
        details: expect.stringMatching(/^invalid_argument: metadata must be/),
      });
    }
    expect(stderr).not.toHaveBeenCalled();
    stderr.mockRestore();
    expect((await ask(WATCH, { 'x-odd-bin': '%%%' })).status).toBe(Code.INVALID_ARGUMENT);
    for (const path of [
      '/',
      '/x',
      '//',
      '/%',
      '/\xe4\xff/\x80',
      `/${'a'.repeat(10_000)}`,
      '/sluice.v1.Gateway/',
      '/__proto__/x',
    ]) {
      expect((await ask(path)).status, path.slice(0, 20)).toBe(Code.UNIMPLEMENTED);
    }
    session.close();
    await fuzzed.emptied();
  });
});
