/**
 * What only rises. It listens and adds, a few table look-ups per end of an actor, and nothing per frame: what has gone
 * through a stream is read from the stream when it ends, and from those that live when somebody asks.
 */
import { Camera } from '../../gateway/camera.js';
import { Recorder } from '../../gateway/recorder.js';
import type { RecordingView } from '../../gateway/recorder-words.js';
import { StreamBody, type Traffic } from '../../gateway/stream.js';
import type { Telemetry, TelemetryFact } from '../../gateway/telemetry.js';
import type { GatewayEvent } from '../../gateway/views.js';
import type { Process } from '../../otp/process.js';
import type { KernelEvent, System } from '../../otp/system.js';
import type { MetricName } from './catalogue.js';
import { reasonWord } from './reason.js';

/** Values of one counter by its label; '' where it has none. */
export type Counts = Map<string, number>;

/** So many values a label may take; what comes later is counted as `other`. */
const LABELS_MAX = 100;
/** Sessions whose loss or end is remembered until it is over. */
const WAITED_MAX = 20_000;

export interface TallyParts {
  readonly system: System;
  readonly telemetry: Telemetry;
  readonly onEvent: (listener: (event: GatewayEvent) => void) => () => void;
  readonly observe: (name: MetricName, value: number, label?: string) => void;
}

export class Tally {
  readonly #counts = new Map<MetricName, Counts>();
  readonly #parts: TallyParts;
  readonly #undo: readonly (() => void)[];
  /** By the path of the session. */
  readonly #lostAtMs = new Map<string, number>();
  readonly #endingSinceMs = new Map<string, number>();

  constructor(parts: TallyParts) {
    this.#parts = parts;
    const { system, telemetry, onEvent } = parts;
    this.#undo = [
      system.on((event) => this.#kernel(event)),
      telemetry.on((fact) => this.#fact(fact)),
      onEvent((event) => this.#event(event)),
    ];
  }

  close(): void {
    for (const undo of this.#undo) undo();
  }

  /** A copy, so that whoever asks may add what lives. */
  counts(name: MetricName): Counts {
    return new Map(this.#counts.get(name));
  }

  add(name: MetricName, label = '', amount = 1): void {
    let counts = this.#counts.get(name);
    if (!counts) {
      counts = new Map();
      this.#counts.set(name, counts);
    }
    const kept = counts.has(label) || counts.size < LABELS_MAX ? label : 'other';
    counts.set(kept, (counts.get(kept) ?? 0) + amount);
  }

  #kernel(event: KernelEvent): void {
    switch (event.type) {
      case 'process.down':
        this.#down(event.process, reasonWord(event.reason));
        break;
      case 'child.restarted':
        this.add('sluice_actor_restarts_total', placeOf(event.supervisor));
        break;
      case 'supervisor.gaveUp':
        this.add('sluice_supervisor_gave_up_total');
        break;
      case 'child.gaveUp':
        this.add('sluice_child_gave_up_total');
        break;
      case 'child.startFailed':
        this.add('sluice_start_failures_total');
        break;
      case 'handler.slow':
        this.add('sluice_slow_handlers_total', event.process.kind);
        break;
      case 'process.abandoned':
        this.add('sluice_abandoned_total');
        break;
      default:
    }
  }

  #down(process: Process, reason: string): void {
    this.add('sluice_down_total', reason);
    const { body, mailbox } = process;
    if (mailbox && mailbox.overflowed > 0)
      this.add('sluice_mailbox_dropped_total', mailbox.overflow, mailbox.overflowed);
    if (process.kind === 'client') {
      this.add('sluice_client_disconnects_total', reason);
      if (reason === 'inactivity') this.add('sluice_heartbeat_misses_total');
    } else if (body instanceof StreamBody) {
      const seconds = (process.system.clock.wallMs() - process.startedAtMs) / 1_000;
      this.#parts.observe('sluice_stream_duration_seconds', seconds, body.kind);
      addTraffic(body.traffic(), (name, label, amount) => this.add(name, label, amount));
    } else if (body instanceof Camera) this.add('sluice_camera_frames_total', '', body.frames);
    else if (body instanceof Recorder) addRecorded(body.view(), (name, label, amount) => this.add(name, label, amount));
    else this.#sessionGone(process);
  }

  #sessionGone(process: Process): void {
    if (this.#endingSinceMs.size === 0 && this.#lostAtMs.size === 0) return;
    const sinceMs = this.#endingSinceMs.get(process.path);
    this.#lostAtMs.delete(process.path);
    if (sinceMs === undefined) return;
    this.#endingSinceMs.delete(process.path);
    this.#parts.observe('sluice_session_dispose_seconds', (this.#nowMs - sinceMs) / 1_000);
  }

  #fact(fact: TelemetryFact): void {
    if (fact.type === 'client.refused') {
      this.add('sluice_clients_rejected_total', fact.code);
      if (fact.resuming) this.add('sluice_reconnects_total', 'refused');
      return;
    }
    if (fact.type !== 'call.ended') return;
    // A provider's own codes all come as `failed`, so that these words are ours.
    if (fact.outcome === 'timeout') this.add('sluice_rpc_timeouts_total');
    this.#parts.observe('sluice_rpc_seconds', fact.ms / 1_000, fact.outcome);
  }

  #event({ type, actor, reason, detail }: GatewayEvent): void {
    switch (type) {
      case 'session.grace':
        if (this.#lostAtMs.size < WAITED_MAX) this.#lostAtMs.set(actor, this.#nowMs);
        break;
      case 'session.resumed':
        this.add('sluice_reconnects_total', 'resumed');
        this.#returned(actor);
        break;
      case 'session.disposed':
        if (reason?.includes('superseded')) this.add('sluice_reconnects_total', 'replaced');
        if (reason?.includes('grace_expired')) this.add('sluice_grace_expired_total');
        if (this.#endingSinceMs.size < WAITED_MAX) this.#endingSinceMs.set(actor, this.#nowMs);
        break;
      case 'app.started':
        if (Number(detail?.['start'] ?? 1) > 1) this.add('sluice_resurrections_total', 'started');
        break;
      case 'app.startFailed':
        this.add('sluice_resurrections_total', 'failed');
        break;
      case 'app.resurrectionSkipped':
        this.add('sluice_resurrections_total', 'skipped');
        break;
      case 'swept':
        this.add('sluice_services_expired_total', '', Number(detail?.['services'] ?? 0));
        break;
      case 'channel.evicted':
        this.add('sluice_pool_evictions_total');
        break;
      case 'recorder.segment':
        this.add('sluice_recording_segments_total');
        this.add('sluice_recording_bytes_total', '', Number(detail?.['bytes'] ?? 0));
        break;
      case 'cluster.fenced':
        this.add('sluice_cluster_fenced_total');
        break;
    }
  }

  #returned(session: string): void {
    const lostAtMs = this.#lostAtMs.get(session);
    if (lostAtMs === undefined) return;
    this.#lostAtMs.delete(session);
    this.#parts.observe('sluice_reconnect_delay_seconds', (this.#nowMs - lostAtMs) / 1_000);
  }

  get #nowMs(): number {
    return this.#parts.system.clock.now();
  }
}

type Adder = (name: MetricName, label: string, amount: number) => void;

/** What a recorder has counted in its life. */
export function addRecorded(
  { frames, drops }: Pick<RecordingView, 'frames' | 'drops'>,
  add: (name: MetricName, label: string, amount: number) => void,
): void {
  add('sluice_recording_frames_total', '', frames);
  add('sluice_recording_drops_total', '', drops);
}

export function addTraffic({ framesIn, framesOut, bytesIn, bytesOut, drops }: Traffic, add: Adder): void {
  if (framesIn > 0) add('sluice_stream_frames_total', 'in', framesIn);
  if (framesOut > 0) add('sluice_stream_frames_total', 'out', framesOut);
  if (bytesIn > 0) add('sluice_stream_bytes_total', 'in', bytesIn);
  if (bytesOut > 0) add('sluice_stream_bytes_total', 'out', bytesOut);
  for (const [policy, lost] of Object.entries(drops)) if (lost > 0) add('sluice_stream_drops_total', policy, lost);
}

/** Where a supervisor stands, without the ids of clients, cameras and rooms: `sluice/sessions/session`. */
function placeOf({ parent, id }: Process): string {
  const word = /^[\w-]+/.exec(id)?.[0] ?? 'other';
  return parent ? `${placeOf(parent)}/${word}` : word;
}
