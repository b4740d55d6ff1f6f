/** Lines of scenarios in, the same lines with `trace` out. */
import type { Json } from './results.js';
import { runScenario } from './run-scenario.js';
import { runSignalScenario } from './run-signals.js';
import { parseScenario, parseSignalScenario } from './scenario.js';

/** What a line says, with the trace that the kernel leaves of it. */
export interface TracedScenario {
  readonly id: string;
  readonly trace: Json[];
}

/** Runs one line. Throws a `ScenarioError` that names line and field when it is no scenario. */
export async function runLine(line: string, lineNumber: number, signals: boolean): Promise<TracedScenario> {
  if (signals) {
    const scenario = parseSignalScenario(line, lineNumber);
    return { ...scenario, trace: await runSignalScenario(scenario) };
  }
  const scenario = parseScenario(line, lineNumber);
  return { ...scenario, trace: await runScenario(scenario) };
}

/** The lines of a file that say something, each with its number. */
export function scenarioLines(text: string): readonly { readonly line: string; readonly lineNumber: number }[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, lineNumber: index + 1 }))
    .filter(({ line }) => line.trim() !== '');
}
