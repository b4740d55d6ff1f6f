/** Who is acted upon by `owner.mjs`, and what that one tells of itself. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { TokenReceiver } from '../../src/cluster/receiver.js';
import type { Token } from '../../src/cluster/token.js';
import type { TestProcess } from './processes.js';

/** What `owner.mjs` claims. */
export const KEY = 'camera.door';

/** The clock that `owner.mjs` tells its times by, which is the machine's own. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface Act {
  readonly name: string;
  readonly token: Token;
}

/** A datagram carries a token, and lower ones than before are refused. */
export async function receiverAt(address: string) {
  const socket = createSocket('udp4');
  const tokens = new TokenReceiver();
  const accepted: Act[] = [];
  socket.on('message', (message) => {
    const act = JSON.parse(message.toString()) as Act;
    if (tokens.admits(KEY, act.token)) accepted.push(act);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { tokens, accepted, address: `${address}:${socket.address().port}` };
}

export interface Told {
  readonly type: string;
  readonly atMs: number;
  readonly inc?: number;
  readonly node?: string;
  readonly reason?: string;
}

/** What it has told so far. */
export function told(far: TestProcess): readonly Told[] {
  return far.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
