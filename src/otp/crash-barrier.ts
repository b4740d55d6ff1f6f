/**
 * The last line behind which a crash of one actor is nobody else's. Work that an actor starts carries that actor's name
 * (AsyncLocalStorage); a throw in it that nobody caught becomes the crash of that actor instead of the end of the process.
 * A throw that belongs to no actor goes on to wherever it would have gone without us.
 *
 * The barrier stands while at least one system lives, because Node has only one place for such errors per process.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Whoever is at work: something that can be made to crash. */
export interface Crashable {
  /** False when it has ended already: then the throw is a late one, and reported instead. */
  crash(thrown: unknown): void;
}

export const atWork = new AsyncLocalStorage<Crashable>();

let systems = 0;

export function installCrashBarrier(): () => void {
  systems += 1;
  if (systems === 1) {
    process.on('uncaughtException', attribute);
    process.on('unhandledRejection', attributeRejection);
  }
  let installed = true;
  return () => {
    if (!installed) return;
    installed = false;
    systems -= 1;
    if (systems > 0) return;
    process.off('uncaughtException', attribute);
    process.off('unhandledRejection', attributeRejection);
  };
}

function attribute(thrown: unknown): void {
  const owner = atWork.getStore();
  if (owner) {
    owner.crash(thrown);
    return;
  }
  // Nobody of ours. Other listeners see it anyway; where there are none, Node would have printed it and ended.
  if (process.listenerCount('uncaughtException') > 1) return;
  console.error(thrown);
  process.exit(1);
}

function attributeRejection(thrown: unknown): void {
  const owner = atWork.getStore();
  if (owner) owner.crash(thrown);
  // Nobody of ours. Where nobody else listens for rejections, Node would have made it an uncaught exception.
  else if (process.listenerCount('unhandledRejection') === 1) throw thrown;
}
