/**
 * The scenarios: one JSON object per line. A line that is none is refused with its number and the field that is wrong;
 * wrong *values* (a negative intensity, an unknown strategy) are scenarios like any other, for OTP refuses those itself.
 */
import { z } from 'zod';

const text = z.string();
const attempts = z.array(z.number().int().positive()).optional();

/** What a supervisor of a scenario says of itself; absent fields have OTP's defaults. */
export interface SupervisorScenario {
  strategy?: string | undefined;
  intensity?: number | undefined;
  period_s?: number | undefined;
  auto_shutdown?: string | undefined;
  children?: ChildScenario[] | undefined;
}

/** A request that is put into the supervisor's queue while a start fails. */
export interface Injected {
  op: (typeof INJECTED)[number];
  id?: string | undefined;
  path?: string | undefined;
  reason?: string | undefined;
  child?: ChildScenario | undefined;
}

export interface ChildScenario extends SupervisorScenario {
  id: string;
  restart?: string | undefined;
  shutdown?: string | number | undefined;
  significant?: boolean | undefined;
  type?: 'worker' | 'supervisor' | undefined;
  trap_exit?: boolean | undefined;
  start_failures?: number[] | undefined;
  start_ignores?: number[] | undefined;
  on_shutdown?: string | undefined;
  inject?: Record<string, Injected> | undefined;
}

const INJECTED = [
  'terminate_child',
  'restart_child',
  'delete_child',
  'start_child',
  'which_children',
  'count_children',
  'crash',
] as const;

const supervisorFields = {
  strategy: text.optional(),
  intensity: z.number().optional(),
  period_s: z.number().optional(),
  auto_shutdown: text.optional(),
  children: z.array(z.lazy((): z.ZodType<ChildScenario> => child)).optional(),
};

const injected: z.ZodType<Injected> = z.looseObject({
  op: z.enum(INJECTED),
  id: text.optional(),
  path: text.optional(),
  reason: text.optional(),
  child: z.lazy((): z.ZodType<ChildScenario> => child).optional(),
});

const child: z.ZodType<ChildScenario> = z.looseObject({
  id: text,
  restart: text.optional(),
  shutdown: z.union([text, z.number()]).optional(),
  significant: z.boolean().optional(),
  type: z.enum(['worker', 'supervisor']).optional(),
  trap_exit: z.boolean().optional(),
  start_failures: attempts,
  start_ignores: attempts,
  on_shutdown: text.optional(),
  inject: z.record(z.string(), injected).optional(),
  ...supervisorFields,
});

const ofSupervisor = { sup: text };
const named = { ...ofSupervisor, id: text, by: z.literal('pid').optional() };

const step = z.discriminatedUnion('op', [
  z.looseObject({ op: z.literal('crash'), path: text, reason: text }),
  z.looseObject({
    op: z.literal('crash_many'),
    ...ofSupervisor,
    targets: z.array(z.looseObject({ path: text, reason: text })),
  }),
  z.looseObject({ op: z.literal('stop'), path: text, reason: text }),
  z.looseObject({
    op: z.literal('start_child'),
    ...ofSupervisor,
    child: child.optional(),
    id: text.optional(),
    args: z.looseObject({ start_failures: attempts, start_ignores: attempts }).optional(),
  }),
  z.looseObject({ op: z.literal('terminate_child'), ...named }),
  z.looseObject({ op: z.literal('restart_child'), ...named }),
  z.looseObject({ op: z.literal('delete_child'), ...named }),
  z.looseObject({ op: z.literal('get_childspec'), ...named }),
  z.looseObject({ op: z.literal('which_children'), ...ofSupervisor }),
  z.looseObject({ op: z.literal('count_children'), ...ofSupervisor }),
  z.looseObject({ op: z.literal('stop_sup') }),
]);

const scenario = z.looseObject({ id: text, sup: z.looseObject(supervisorFields), steps: z.array(step) });

const process = { p: text };
const pair = { a: text, b: text };

const signalStep = z.discriminatedUnion('op', [
  z.looseObject({ op: z.literal('spawn'), ...process, trap: z.boolean().optional() }),
  z.looseObject({ op: z.literal('link'), ...pair }),
  z.looseObject({ op: z.literal('unlink'), ...pair }),
  z.looseObject({ op: z.literal('monitor'), ...pair, ref: text }),
  z.looseObject({ op: z.literal('monitor_name'), a: text, name: text, ref: text }),
  z.looseObject({ op: z.literal('demonitor'), a: text, ref: text, flush: z.boolean().optional() }),
  z.looseObject({ op: z.literal('trap'), ...process, on: z.boolean() }),
  z.looseObject({ op: z.literal('exit_signal'), from: text, to: text, reason: text }),
  z.looseObject({ op: z.literal('exit'), ...process, reason: text }),
  z.looseObject({ op: z.literal('stop'), ...process, reason: text }),
  z.looseObject({ op: z.literal('register'), name: text, ...process }),
  z.looseObject({ op: z.literal('unregister'), name: text }),
  z.looseObject({ op: z.literal('whereis'), name: text }),
  z.looseObject({ op: z.literal('start_named'), name: text, ...process }),
  z.looseObject({
    op: z.literal('start_init'),
    how: z.enum(['ok', 'ignore', 'error', 'raise', 'exit', 'exit_normal', 'hang']),
    timeout: z.number().optional(),
  }),
  z.looseObject({
    op: z.literal('call'),
    by: text,
    to: text.optional(),
    name: text.optional(),
    req: z.enum(['echo', 'hold', 'crash', 'raise', 'stop_normal', 'stop_reply', 'stop_shutdown']),
    timeout: z.number().optional(),
  }),
  z.looseObject({ op: z.literal('release'), ...process }),
  z.looseObject({ op: z.literal('send'), to: text, msg: text }),
]);

const signalScenario = z.looseObject({ id: text, steps: z.array(signalStep) });

export type Scenario = z.infer<typeof scenario>;
export type Step = z.infer<typeof step>;
export type SignalScenario = z.infer<typeof signalScenario>;
export type SignalStep = z.infer<typeof signalStep>;

/** A line that is no scenario. */
export class ScenarioError extends Error {}

export function parseScenario(line: string, lineNumber: number): Scenario {
  return parse(scenario, line, lineNumber);
}

export function parseSignalScenario(line: string, lineNumber: number): SignalScenario {
  return parse(signalScenario, line, lineNumber);
}

function parse<T>(schema: z.ZodType<T>, line: string, lineNumber: number): T {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw new ScenarioError(`line ${lineNumber}: not JSON: ${(error as Error).message}`);
  }
  const { success, error } = schema.safeParse(json);
  // The schemas only check; the line itself keeps its fields in their order.
  if (success) return json as T;
  const [issue] = error.issues;
  const field = issue?.path.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path ? `${path}.${String(key)}` : String(key)),
    '',
  );
  throw new ScenarioError(`line ${lineNumber}: field ${field || '(the whole line)'}: ${issue?.message}`);
}
