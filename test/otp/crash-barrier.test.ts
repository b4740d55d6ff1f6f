import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledKernel, compileKernel } from './compiled-kernel.js';

let compiled: CompiledKernel;

beforeAll(async () => {
  compiled = await compileKernel();
});

afterAll(() => compiled.remove());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a Node of its own. `begin` is what the worker does when it starts. */
function run(begin: string, outside = ''): Promise<Ended> {
  const path = join(compiled.home, `program-${Math.random().toString(36).slice(2)}.js`);
  writeFileSync(
    path,
    `
    import { fromProcess, monitor, startApplication, startChild, System } from './kernel/src/otp/index.js';
    const bystander = fromProcess(() => undefined);
    const worker = fromProcess(({ scope, process: self }) => { ${begin} });
    const app = await startApplication('top', { children: [{ id: 'bystander', start: { logic: bystander } }] });
    const { ok } = await startChild(app.root, { id: 'worker', start: { logic: worker }, restart: 'temporary' });
    if (ok) monitor(ok, (down) => {
      console.log('worker: ' + down.reason.message);
      const alive = [...app.system.processes].map((process) => process.id);
      console.log('alive: ' + alive.join(' '));
      void app.stop().then(() => console.log('stopped'));
    });
    ${outside}
  `,
  );
  return new Promise((resolve) => {
    execFile(process.execPath, [path], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

const throws = "const fail = () => { throw new Error('late'); };";
const onlyTheWorker = { code: 0, stdout: 'worker: late\nalive: top bystander\nstopped\n' };

describe('what an actor started and nobody catches', () => {
  it.each([
    ['a throw in a timer', `${throws} setTimeout(fail, 5);`],
    ['a throw in an immediate', `${throws} setImmediate(fail);`],
    ['a rejected promise', "void Promise.reject(new Error('late'));"],
    ['an async function that throws after a wait', `${throws} void (async () => { await null; await 0; fail(); })();`],
    ['a timer of its scope', `${throws} scope.timer(5, fail);`],
    ['a task of its scope', `${throws} scope.task(async () => { await null; fail(); });`],
  ])('is the crash of that actor and of nobody else: %s', async (_what, begin) => {
    expect(await run(begin)).toMatchObject(onlyTheWorker);
  });

  it('is reported, and ends nothing, when the actor has ended already', async () => {
    const begin =
      "setTimeout(() => self.crash(new Error('late')), 5); setTimeout(() => { throw new Error('too late'); }, 10);";
    // Another system, so that the barrier still stands when this one has stopped.
    const outside = `
      new System();
      app.system.on((event) => {
        if (event.type === 'process.threwLate') console.log('late: ' + event.thrown.message);
      });`;
    const { code, stdout } = await run(begin, outside);
    expect(code).toBe(0);
    expect(stdout).toContain('late: too late');
  });
});

describe('what belongs to no actor', () => {
  it.each([
    ['a throw', "setTimeout(() => { throw new Error('nobody'); }, 5);"],
    ['a rejection', "void Promise.reject(new Error('nobody'));"],
  ])('ends the process with code 1, as without us: %s', async (_what, outside) => {
    const { code, stderr } = await run('', outside);
    expect(code).toBe(1);
    expect(stderr).toContain('nobody');
  });
});
