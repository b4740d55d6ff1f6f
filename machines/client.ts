/**
 * One client: somebody with a node id, from its first message until it is gone. The client is heard (any message resets
 * the inactivity clock) and is spoken to (a heartbeat at a fixed pace, whatever the client does). Registration in the
 * client manager comes first: nobody is a client whom the manager does not know.
 *
 * An implicit client, one that only ever made calls outside Connect, is `attached`: it has no heartbeat and ends with its
 * last call (`client.unused`), unless a hello comes and makes it `connected` (`client.upgraded`).
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

export type ClientEvent =
  | { readonly type: 'client.registered' }
  | { readonly type: 'client.refused'; readonly reason: ExitReason }
  | { readonly type: 'client.upgraded' }
  | { readonly type: 'message.received' }
  | { readonly type: 'client.bye' }
  | { readonly type: 'client.unused' }
  | { readonly type: 'client.superseded' }
  | { readonly type: 'stream.closed'; readonly reason: ExitReason }
  | StopRequest;

export interface ClientInput {
  /** Somebody who only makes calls: no heartbeat is expected of it, and none is sent. */
  readonly implicit: boolean;
  /** How long a connected client may be silent. Milliseconds. */
  readonly inactivityMs: number;
  readonly heartbeatMs: number;
}

export interface ClientContext extends ClientInput {
  readonly reason: ExitReason;
}

/** Why a client ends when this event ends it. */
export function clientExitReason(event: ClientEvent): ExitReason {
  switch (event.type) {
    case 'client.bye':
      return shutdownBecause('bye');
    case 'client.unused':
      return 'normal';
    case 'client.superseded':
      return shutdownBecause('superseded');
    case 'client.refused':
    case 'stream.closed':
    case 'supervisor.stop':
      return event.reason;
    case 'client.registered':
    case 'client.upgraded':
    case 'message.received':
      return 'normal';
  }
}

export const clientMachine = setup({
  types: {
    context: {} as ClientContext,
    input: {} as ClientInput,
    events: {} as ClientEvent,
    output: {} as ExitReason,
  },
  guards: {
    isImplicit: ({ context }) => context.implicit,
  },
  actions: {
    registerClient: () => unprovided('registerClient'),
    welcomeClient: () => unprovided('welcomeClient'),
    sendHeartbeat: () => unprovided('sendHeartbeat'),
    sayBye: () => unprovided('sayBye'),
    recordExit: assign({ reason: ({ event }) => clientExitReason(event) }),
    recordInactivity: assign({ reason: () => shutdownBecause('inactivity') }),
  },
  delays: {
    inactivityTimeout: ({ context }) => context.inactivityMs,
    heartbeatInterval: ({ context }) => context.heartbeatMs,
  },
}).createMachine({
  id: 'client',
  description: 'Somebody with a node id, from its first message until it is gone.',
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'registering',
      states: {
        registering: {
          description: 'The client manager decides whether there is room.',
          entry: 'registerClient',
          on: {
            'client.registered': [{ guard: 'isImplicit', target: 'attached' }, { target: 'connected' }],
            'client.refused': { target: '#client.gone', actions: 'recordExit' },
          },
        },
        attached: {
          description: 'Known by its calls alone; it ends with the last of them.',
          entry: 'welcomeClient',
          on: {
            'client.upgraded': 'connected',
            'client.unused': { target: '#client.leaving', actions: 'recordExit' },
          },
        },
        connected: {
          description: 'Registered, welcomed, heard and spoken to.',
          entry: 'welcomeClient',
          type: 'parallel',
          states: {
            hearing: {
              initial: 'recently',
              states: {
                recently: {
                  on: { 'message.received': { target: 'recently', reenter: true } },
                  after: { inactivityTimeout: { target: '#client.leaving', actions: 'recordInactivity' } },
                },
              },
            },
            speaking: {
              initial: 'between',
              states: {
                between: {
                  after: { heartbeatInterval: { target: 'between', reenter: true, actions: 'sendHeartbeat' } },
                },
              },
            },
          },
        },
      },
      on: {
        'client.bye': { target: 'leaving', actions: 'recordExit' },
        'client.superseded': { target: 'leaving', actions: 'recordExit' },
        'stream.closed': { target: 'leaving', actions: 'recordExit' },
        'supervisor.stop': { target: 'leaving', actions: 'recordExit' },
      },
    },
    leaving: {
      description: 'The last word is said; then there is nothing left to wait for.',
      entry: 'sayBye',
      always: 'gone',
    },
    gone: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
