/**
 * Every open stream of a gRPC server, whoever serves it. The gateway ends the streams that it knows; it does not know those
 * of health and reflection, whose libraries keep no list, nor a Connect that has not said hello. A server that is to stop
 * within its time must reach these too. The definitions of what was registered are kept beside, for reflection.
 */
import type { Server, ServiceDefinition, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import { type GrpcLog, ServedCall, type StreamingCall } from './served-call.js';
import type { GrpcStatus } from './status.js';

export class OpenCalls implements Pick<Server, 'addService'> {
  readonly definitions: ServiceDefinition[] = [];
  readonly #server: Pick<Server, 'addService'>;
  readonly #log: GrpcLog;
  readonly #open = new Set<ServedCall>();

  constructor(server: Pick<Server, 'addService'>, log: GrpcLog) {
    this.#server = server;
    this.#log = log;
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.definitions.push(definition);
    // An implementation may go by a method's name or by its name with a small first letter.
    const streams = Object.entries(definition).flatMap(([name, { originalName, responseStream }]) =>
      responseStream ? [name, originalName] : [],
    );
    const watched = Object.entries(implementation).map(([name, handler]) => [
      name,
      streams.includes(name) ? this.#watched(handler) : handler,
    ]);
    this.#server.addService(definition, Object.fromEntries(watched));
  }

  /** Ends every stream that is still open. */
  endAll(status: GrpcStatus): void {
    for (const served of this.#open) served.end(status);
  }

  #watched(handler: UntypedHandleCall): UntypedHandleCall {
    const serve = handler as (call: StreamingCall) => void;
    return ((call: StreamingCall): void => {
      const served = new ServedCall(call, this.#log);
      this.#open.add(served);
      call.on('cancelled', () => this.#open.delete(served));
      serve(call);
    }) as UntypedHandleCall;
  }
}
