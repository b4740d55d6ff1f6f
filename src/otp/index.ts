/** The kernel: OTP's supervision, links, monitors and calls on XState actors. Useful without the gateway. */
export * from './application.js';
export * from './census.js';
export type * from './child-spec.js';
export { completeSpec, specFault } from './child-spec.js';
export * from './clock.js';
export * from './exit-reason.js';
export * from './from-process.js';
export * from './leaks.js';
export type { Down, Watcher } from './monitor.js';
export { Monitor, monitor } from './monitor.js';
export { type Failure, type Process, type ProcessBody, type ProcessTraits, processOf, withTraits } from './process.js';
export * from './scope.js';
export * from './signals.js';
export { childrenOf, dynamicSupervisor, type SupervisorOptions, supervisor } from './supervisor.js';
export * from './supervisor-api.js';
export { type KernelEvent, System, type SystemOptions } from './system.js';
