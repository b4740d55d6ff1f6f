/**
 * Every service goes to its gRPC server through here, whoever wrote it. A call is put to the guard before its handler hears
 * of it; one that is let in is kept while it is open. The gateway ends the streams that it knows; it does not know those of
 * health and reflection, who keep no list, nor a Connect that has not said hello. A server that is to stop within
 * its time must reach these too. The definitions of what was registered are kept beside, for reflection.
 */
import type {
  Server,
  ServiceDefinition,
  sendUnaryData,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { CallGuard, GuardedCall } from './call-guard.js';
import { closeEnded } from './inner-stream.js';
import { type GrpcLog, ServedCall, type StreamingCall } from './served-call.js';
import type { GrpcStatus } from './status.js';

type ServerCall = StreamingCall & GuardedCall;
type Handler = (call: ServerCall, callback?: sendUnaryData<unknown>) => void;

export class OpenCalls implements Pick<Server, 'addService'> {
  readonly definitions: ServiceDefinition[] = [];
  readonly #server: Pick<Server, 'addService'>;
  readonly #log: GrpcLog;
  readonly #guard: CallGuard;
  readonly #open = new Set<ServedCall>();

  constructor(server: Pick<Server, 'addService'>, log: GrpcLog, guard: CallGuard) {
    this.#server = server;
    this.#log = log;
    this.#guard = guard;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const kept = Object.entries(definition).flatMap(([name, { path, responseStream, originalName }]) => {
      // An implementation may go by a method's name or by its name with a small first letter.
      const handler = implementation[name] ?? (originalName === undefined ? undefined : implementation[originalName]);
      if (!handler) return [];
      const served = handler.bind(implementation) as Handler;
      return [[name, responseStream ? this.#stream(path, served) : this.#unary(path, served)] as const];
    });
    this.#server.addService(definition, Object.fromEntries(kept) as UntypedServiceImplementation);
    this.definitions.push(definition);
  }

  /** Ends every stream that is still open. */
  endAll(status: GrpcStatus): void {
    for (const served of this.#open) served.end(status);
  }

  #stream(path: string, serve: Handler): UntypedHandleCall {
    return ((call: ServerCall): void => {
      const served = new ServedCall(call, this.#log);
      this.#open.add(served);
      call.on('cancelled', () => {
        this.#open.delete(served);
        closeEnded(call);
      });
      this.#guard.admit(
        path,
        call,
        () => serve(call),
        (status) => served.end(status),
      );
    }) as UntypedHandleCall;
  }

  #unary(path: string, serve: Handler): UntypedHandleCall {
    return ((call: ServerCall, callback: sendUnaryData<unknown>): void => {
      let refused = false;
      call.on('cancelled', () => closeEnded(call));
      // A stream of requests may be refused when its handler has it already, and answers all the same.
      const answer: sendUnaryData<unknown> = (...outcome) => (refused ? undefined : callback(...outcome));
      this.#guard.admit(
        path,
        call,
        () => serve(call, answer),
        (status) => {
          refused = true;
          callback(Object.assign(new Error(status.details), status));
        },
      );
    }) as unknown as UntypedHandleCall;
  }
}
