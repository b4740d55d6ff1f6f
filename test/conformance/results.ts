/** Answers of the kernel in the words of the scenario files. */
import type { AnyActorRef } from 'xstate';
import {
  type ChildCounts,
  type ChildInfo,
  type ExitReason,
  type FullChildSpec,
  type OptionsFault,
  processOf,
  type SpecFault,
  type SupervisorError,
  SupervisorOptionsError,
} from '../../src/otp/index.js';
import { failedToStart } from './reasons.js';

export type Json = string | number | boolean | null | Json[] | { readonly [key: string]: Json } | object;

interface Names {
  readonly simple: boolean;
  nameOf(ref: AnyActorRef): { readonly path: string; readonly attempt: number };
}

export function toJson(op: string, answer: unknown, names: Names): Json {
  if (Array.isArray(answer)) return children(answer as ChildInfo[], names);
  if ('specs' in (answer as object)) {
    const { specs, active, supervisors, workers } = answer as ChildCounts;
    return { specs, active, supervisors, workers };
  }
  const { ok, error } = answer as { ok?: unknown; error?: SupervisorError };
  if (error) return errorJson(error, names);
  if (ok === undefined) return op === 'terminate_child' || op === 'delete_child' ? 'ok' : { ok: null };
  if (processOf(ok as AnyActorRef)) return { ok: tag(ok as AnyActorRef, names) };
  const { id, restart, shutdown, significant, type } = ok as FullChildSpec;
  return { id, restart, shutdown, significant, type };
}

function children(infos: readonly ChildInfo[], names: Names): Json {
  const rows = infos.map(({ id, child, type }) => {
    if (typeof child === 'string') return [names.simple ? null : id, child, type];
    const { path, attempt } = names.nameOf(child);
    return [path.slice(path.lastIndexOf('/') + 1), attempt, type];
  });
  return names.simple ? rows.sort((a, b) => (String(a[0] ?? '') < String(b[0] ?? '') ? -1 : 1)) : rows;
}

function tag(ref: AnyActorRef, { nameOf }: Names): string {
  const { path, attempt } = nameOf(ref);
  return `${path}#${attempt}`;
}

function errorJson(error: SupervisorError, names: Names): Json {
  if (error.code === 'already_started') return { error: error.code, child: tag(error.child, names) };
  if (error.code === 'start_failed') return startErrorJson(error.reason);
  return faultJson(error);
}

function faultJson(fault: SpecFault | OptionsFault | Exclude<SupervisorError, { code: 'already_started' }>): Json {
  switch (fault.code) {
    case 'bad_combination':
      return { error: fault.code, with: fault.with };
    case 'supervisor_data':
      return { error: fault.code, reason: { error: fault.reason } };
    case 'start_spec': {
      const { reason } = fault;
      const inner = reason.code === 'duplicate_child_name' ? { error: reason.code, id: reason.id } : faultJson(reason);
      return { error: fault.code, reason: inner };
    }
    default:
      return { error: fault.code };
  }
}

/** Why a supervisor or a child did not start. */
export function startErrorJson(reason: ExitReason): Json {
  if (reason instanceof SupervisorOptionsError) return faultJson(reason.fault);
  const failed = failedToStart(reason);
  if (failed) return { error: 'failed_to_start_child', id: failed.id, reason: startErrorJson(failed.reason) };
  return { error: reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : 'shutdown' };
}
