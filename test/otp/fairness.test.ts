import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { call, cast, fromProcess, startApplication, startChild } from '../../src/otp/index.js';

const starting = async (logic: ReturnType<typeof fromProcess>) => {
  const app = await startApplication('top', {});
  const refs: AnyActorRef[] = [];
  for (const id of ['a', 'b']) {
    const { ok } = (await startChild(app.root, { id, start: { logic }, restart: 'temporary' })) as { ok: AnyActorRef };
    refs.push(ok);
  }
  return { app, a: refs[0] as AnyActorRef, b: refs[1] as AnyActorRef };
};

const timer = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('two actors that never stop talking', () => {
  it('leave timers and sockets their turn: messages', async () => {
    let messages = 0;
    const { app, a, b } = await starting(
      fromProcess(({ self }) => ({
        receive: () => {
          messages += 1;
          cast(self === a ? b : a, { type: 'again' });
        },
      })),
    );
    cast(a, { type: 'again' });
    await timer();
    expect(messages).toBeGreaterThan(0);
    await app.stop();
  });

  it('leave timers and sockets their turn: calls through promises', async () => {
    let answers = 0;
    const { app, a } = await starting(fromProcess(() => ({ call: (_request, reply) => reply('again') })));
    let going = true;
    const talk = (async () => {
      while (going) {
        await call(a, 'again');
        answers += 1;
      }
    })();
    await timer();
    going = false;
    await talk;
    expect(answers).toBeGreaterThan(0);
    await app.stop();
  });
});
