/**
 * What happens to actors and streams, on Node's `diagnostics_channel`, for tools that know nothing of Sluice but the names of
 * its channels. A message is made only while somebody subscribes. The channels are the process's; each message names its
 * gateway (`node`), because there may be several.
 *
 * | channel | when | message, besides `node` |
 * |---|---|---|
 * | `sluice:actor.start` | an actor runs | `id`, `kind` |
 * | `sluice:actor.stop` | an actor has ended in order | `id`, `kind`, `reason` |
 * | `sluice:actor.down` | an actor has ended, in order or not | `id`, `kind`, `reason`, `cause` (the id of the failure that caused it) |
 * | `sluice:actor.restart` | a supervisor has started a child again | `id`, `kind`, `reason`, `restarts`, `supervisor` |
 * | `sluice:stream.start` | a stream runs | `id`, `stream` (its kind), `nodeId` |
 * | `sluice:stream.end` | a stream has ended | `id`, `stream`, `nodeId`, `reason`, `seconds`, `traffic` |
 * | `sluice:client.welcome` | a hello was answered with a welcome | `nodeId`, `resuming`, `ms` |
 * | `sluice:client.refuse` | a client was refused | `code`, `resuming`, `ms` |
 * | `sluice:call.end` | a call between clients has ended | `procedure`, `outcome`, `ms` |
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import { describeReason, isClean } from '../otp/exit-reason.js';
import type { Process } from '../otp/process.js';
import type { KernelEvent, System } from '../otp/system.js';
import { StreamBody } from './stream.js';
import type { Telemetry, TelemetryFact } from './telemetry.js';

export const DIAGNOSTICS_CHANNELS = [
  'sluice:actor.start',
  'sluice:actor.stop',
  'sluice:actor.down',
  'sluice:actor.restart',
  'sluice:stream.start',
  'sluice:stream.end',
  'sluice:client.welcome',
  'sluice:client.refuse',
  'sluice:call.end',
] as const;

const actorStart = channel('sluice:actor.start');
const actorStop = channel('sluice:actor.stop');
const actorDown = channel('sluice:actor.down');
const actorRestart = channel('sluice:actor.restart');
const streamStart = channel('sluice:stream.start');
const streamEnd = channel('sluice:stream.end');
const FACTS: Readonly<Record<TelemetryFact['type'], Channel>> = {
  'client.welcomed': channel('sluice:client.welcome'),
  'client.refused': channel('sluice:client.refuse'),
  'call.ended': channel('sluice:call.end'),
};

/** Publishes what this gateway tells. @returns the undo. */
export function publishDiagnostics(system: System, telemetry: Telemetry, node: string): () => void {
  const undo = [
    system.on((event) => kernel(event, node)),
    telemetry.on((fact) => {
      const to = FACTS[fact.type];
      if (!to.hasSubscribers) return;
      const { type: _, ...message } = fact;
      to.publish({ node, ...message });
    }),
  ];
  return () => {
    for (const one of undo) one();
  };
}

function kernel(event: KernelEvent, node: string): void {
  switch (event.type) {
    case 'process.started': {
      const { process } = event;
      if (actorStart.hasSubscribers) actorStart.publish({ node, ...about(process) });
      if (streamStart.hasSubscribers && process.body instanceof StreamBody) {
        streamStart.publish({ node, ...aboutStream(process, process.body) });
      }
      break;
    }
    case 'process.down': {
      const { process, reason, failure } = event;
      if (!actorDown.hasSubscribers && !actorStop.hasSubscribers && !streamEnd.hasSubscribers) return;
      const why = describeReason(reason);
      if (actorDown.hasSubscribers)
        actorDown.publish({ node, ...about(process), reason: why, cause: failure.cause?.path });
      if (actorStop.hasSubscribers && isClean(reason)) actorStop.publish({ node, ...about(process), reason: why });
      if (streamEnd.hasSubscribers && process.body instanceof StreamBody) {
        const seconds = (process.system.clock.wallMs() - process.startedAtMs) / 1_000;
        const traffic = process.body.traffic();
        streamEnd.publish({ node, ...aboutStream(process, process.body), reason: why, seconds, traffic });
      }
      break;
    }
    case 'child.restarted': {
      if (!actorRestart.hasSubscribers) return;
      const { process, supervisor, reason, restarts } = event;
      const more = { reason: describeReason(reason), restarts, supervisor: supervisor.path };
      actorRestart.publish({ node, ...about(process), ...more });
      break;
    }
    default:
  }
}

function about({ path, kind }: Process): object {
  return { id: path, kind };
}

function aboutStream({ path }: Process, { kind, nodeId }: StreamBody): object {
  return { id: path, stream: kind, nodeId };
}
