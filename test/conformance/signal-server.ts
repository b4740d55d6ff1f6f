/** The processes of the signal scenarios: on Erlang's side a `gen_server`, on ours a `fromProcess` that does the same. */
import type { AnyActorLogic, EventObject } from 'xstate';
import { type ExitReason, fromProcess } from '../../src/otp/index.js';
import { decodeReason } from './reasons.js';
import type { SignalStep } from './scenario.js';

/** A reply that a process withholds until it is released. */
export type Reply = (answer: unknown) => void;

type StepOf<Op extends SignalStep['op']> = Extract<SignalStep, { op: Op }>;

export interface SignalServer {
  readonly trap: boolean;
  readonly hold: (reply: Reply) => void;
  readonly terminated: (reason: ExitReason) => void;
  /** Anything that reached its mailbox. */
  readonly heard: (event: EventObject) => void;
}

export function signalServer({ trap, hold, terminated, heard }: SignalServer): AnyActorLogic {
  return fromProcess(
    ({ exit: end }) => ({
      receive: (event) => {
        if (event.type === 'do') (event as unknown as { perform(): void }).perform();
        else if (event.type === 'end') {
          const reason = decodeReason((event as unknown as { reason: string }).reason);
          if (reason instanceof Error) throw reason;
          end(reason);
        } else heard(event);
      },
      call: (request, reply) => {
        switch (request as StepOf<'call'>['req']) {
          case 'echo':
            return reply('echo');
          case 'hold':
            return hold(reply);
          case 'crash':
            throw decodeReason('boom');
          case 'raise':
            throw new Error('boom');
          case 'stop_normal':
            return end('normal');
          case 'stop_reply':
            reply('bye');
            return end('normal');
          case 'stop_shutdown':
            return end({ shutdown: 'x' });
        }
      },
      terminate: terminated,
    }),
    { trapExit: trap },
  );
}

/** A process of which only the start matters. */
export function initLogic(how: StepOf<'start_init'>['how']): AnyActorLogic {
  return fromProcess(() => {
    switch (how) {
      case 'ok':
        return undefined;
      case 'ignore':
        return 'ignore';
      case 'error':
        throw decodeReason('bad_config');
      case 'raise':
        throw new Error('boom');
      case 'exit':
        throw decodeReason('boom');
      case 'exit_normal':
        throw decodeReason('normal');
      case 'hang':
        return new Promise(() => {});
    }
  });
}
