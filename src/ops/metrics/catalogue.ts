/**
 * The names under which a gateway can be measured, and what each means. `docs/metrics.md` is generated from here, and a test
 * holds this list against what a living gateway answers, both ways.
 *
 * Rules: base units; `_total` for what only rises; one label at most, whose values are known to us: no id of a client, a
 * camera or a room is ever a label, for a series per client would outlive the client and the patience of whoever stores it.
 */

import { Distribution } from '../../otp/distribution.js';

export type MetricType = 'gauge' | 'counter' | 'histogram';

export interface Metric {
  readonly type: MetricType;
  readonly help: string;
  readonly label?: string;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
  /** Absent from the answer while what it tells of is not in use. */
  readonly optional?: boolean;
}

const gauge = (help: string, label?: string): Metric => ({ type: 'gauge', help, ...(label ? { label } : {}) });
const counter = (help: string, label?: string): Metric => ({ type: 'counter', help, ...(label ? { label } : {}) });
const histogram = (help: string, buckets: readonly number[], label?: string): Metric => ({
  type: 'histogram',
  help,
  buckets,
  ...(label ? { label } : {}),
});
const optional = (metric: Metric): Metric => ({ ...metric, optional: true });

const SHORT_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LONG_S = [0.1, 1, 10, 60, 300, 1_800, 3_600, 14_400, 86_400];
const DEPTHS = [0, 1, 10, 100, 1_000, 10_000];

export const METRICS = {
  sluice_build_info: gauge('1, with the version that runs.', 'version'),
  sluice_ready: gauge('1 while ports are bound and the gateway is not draining, else 0.'),
  sluice_uptime_seconds: gauge('Since the gateway was made.'),

  sluice_clients: gauge('Clients that are here; sessions in grace are not among them.'),
  sluice_clients_limit: gauge('`limits.clients`.'),
  sluice_clients_rejected_total: counter('Clients that were refused, by the code of the refusal.', 'reason'),
  sluice_client_disconnects_total: counter('Clients that are gone, by why.', 'reason'),
  sluice_heartbeat_misses_total: counter('Clients that ended because nothing was heard of them.'),
  sluice_heartbeat_rtt_seconds: histogram(
    'How long the other end of a gRPC connection took to answer whether it is there: the PINGs of `grpc.keepalive`.',
    SHORT_S,
  ),
  sluice_reconnects_total: counter(
    'Clients that came again: `resumed` into their session, `replaced` by a fresh one, or `refused` with a bad token.',
    'outcome',
  ),
  sluice_reconnect_delay_seconds: histogram('From the loss of a client to its return into the same session.', LONG_S),

  sluice_sessions: gauge('Sessions, by their state: `connecting`, `connected` or `grace`.', 'state'),
  sluice_session_dispose_seconds: histogram(
    'From the decision to end a session until all of it was given back.',
    SHORT_S,
  ),
  sluice_grace_expired_total: counter('Sessions whose client did not come back within the grace.'),
  sluice_resurrections_total: counter(
    'What became of apps that were gone: `started`, `failed`, or `skipped` because the owner was away.',
    'outcome',
  ),

  sluice_streams: gauge('Open streams, by kind.', 'kind'),
  sluice_stream_duration_seconds: histogram('How long a stream lasted that has ended.', LONG_S, 'kind'),
  sluice_stream_frames_total: counter(
    'Frames, chunks and publications; `in` from clients, `out` to them.',
    'direction',
  ),
  sluice_stream_bytes_total: counter(
    'Bytes of them, where they are measured; the words of control streams are not.',
    'direction',
  ),
  sluice_stream_drops_total: counter('Frames that were lost on their way to somebody, by what lost them.', 'policy'),
  sluice_stream_queue_depth: gauge('Frames that wait in the queues of all streams, by kind.', 'kind'),
  sluice_stream_stale: gauge('Streams whose queue is full and whose last write has not completed in time.'),

  sluice_cameras: gauge('Cameras, by their state; `stale` is connected without data.', 'state'),
  sluice_camera_frames_total: counter('Frames that sources have delivered.'),
  sluice_camera_data_age_seconds: gauge(
    'Age of the oldest last frame among the cameras that are connected; 0 without any.',
  ),
  sluice_recorders: gauge(
    'Recorders of cameras, by their state; `paused` is a disk that is full, `backingOff` one that fails.',
    'state',
  ),
  sluice_recording_segments_total: counter('Segments of recordings that were completed.'),
  sluice_recording_bytes_total: counter('Bytes of them.'),
  sluice_recording_frames_total: counter('Pictures that were written into segments.'),
  sluice_recording_drops_total: counter('Pictures that were not recorded because a disk was too slow.'),
  sluice_recording_disk_free_bytes: optional(
    gauge('Free on the disk of each folder that is recorded into, when its recorders last looked.', 'folder'),
  ),
  sluice_viewers: gauge('Viewers of cameras, over gRPC and HTTP.'),
  sluice_rooms: gauge('Rooms that exist.'),

  sluice_actors: gauge('Living actors, by kind.', 'kind'),
  sluice_actor_restarts_total: counter(
    'Restarts, by the supervisor that did them; ids are left out of its path.',
    'supervisor',
  ),
  sluice_supervisor_gave_up_total: counter('Supervisors that have spent their restarts.'),
  sluice_child_gave_up_total: counter('Children that have spent the restarts of their own and stay stopped.'),
  sluice_start_failures_total: counter('Children that could not be started.'),
  sluice_abandoned_total: counter('Actors that ended while something they held was not given back in time.'),
  sluice_down_total: counter('Ends of actors, by why.', 'reason'),
  sluice_monitors: gauge('Monitors that stand.'),
  sluice_timers: gauge('Timers of actors and of charts.'),
  sluice_mailbox_depth: histogram('Messages that wait in each bounded mailbox, looked at when this is asked.', DEPTHS),
  sluice_mailbox_wait_seconds: histogram(
    'How long messages waited for their turn; one in 64 is looked at.',
    new Distribution().bounds,
  ),
  sluice_mailbox_dropped_total: counter('Messages that found no room in a mailbox, by what became of them.', 'reason'),
  sluice_dead_letters_total: counter('Messages whose receiver had ended when their turn came.'),
  sluice_handler_seconds: histogram(
    'How long actors were at one message, and at what they made others do at once.',
    new Distribution().bounds,
  ),
  sluice_slow_handlers_total: counter(
    'Messages, starts, timers and listeners that took an actor longer than 100 ms, by its kind.',
    'kind',
  ),

  sluice_services: gauge('Registrations of procedures.'),
  sluice_services_expired_total: counter('Registrations that were forgotten because nobody used or renewed them.'),
  sluice_subscriptions: gauge('Subscriptions to topics.'),
  sluice_rpc_pending: gauge('Calls between clients that wait for their answer.'),
  sluice_rpc_timeouts_total: counter('Calls between clients that had no answer in time.'),
  sluice_rpc_seconds: histogram('How long calls between clients took, by how they ended.', SHORT_S, 'outcome'),
  sluice_pool_connections: gauge('Connections to other gRPC servers, by state.', 'state'),
  sluice_pool_evictions_total: counter('Idle connections that were closed to make room.'),

  sluice_orphans: gauge('Actors that nobody supervises, and entries of tables without an actor. Must be 0.'),
  sluice_undisposed_objects: optional(
    gauge('Actors that ended more than a minute ago and were not collected; only with `watchCollection`.'),
  ),
  sluice_event_loop_lag_seconds: histogram('How much later than it should the event loop came to a timer.', SHORT_S),
  sluice_watch_seconds_total: counter('What the looking at the event loop has cost itself.'),
  sluice_disk_free_bytes: gauge('Free on the disk of the working directory.'),

  sluice_cluster_state: optional(gauge('1 for the state this gateway is in among the others.', 'state')),
  sluice_cluster_members: optional(gauge('Gateways of the cluster, by state.', 'state')),
  sluice_cluster_keys: optional(gauge('Keys that this gateway owns.')),
  sluice_cluster_fenced_total: counter('Times this gateway has lost its lease.'),
} satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
