/**
 * Gateway.Call: one question to whoever registered the procedure, one answer. On the wire it is unary; here it is served as
 * a stream of one message, because an end that is told apart by who caused it, once, is what streams have already.
 */
import { create } from '@bufbuild/protobuf';
import type { handleServerStreamingCall, Metadata } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { CallWire } from '../gateway/transport.js';
import { type CallReply, CallReplySchema, type CallRequest } from './gen/sluice/v1/gateway_pb.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { statusOfFailure, statusOfReason } from './status.js';
import { headerOf, NODE_ID_HEADER } from './watch.js';

/** How many gateways a call has passed already. A gateway that passes a call on counts itself. */
export const HOPS_HEADER = 'x-sluice-hops';

export function serveCall(gateway: Gateway, log: GrpcLog): handleServerStreamingCall<CallRequest, CallReply> {
  return (call) => {
    const served = new ServedCall(call, log);
    const wire: CallWire = {
      answer: (outcome) => {
        if (outcome.type === 'failed') served.end(statusOfFailure(outcome));
        else if (!served.over) {
          call.write(create(CallReplySchema, { payload: outcome.payload }));
          served.end(statusOfReason('normal'));
        }
      },
      end: (reason) => served.end(statusOfReason(reason)),
    };
    const { procedure, payload, timeoutMs } = call.request;
    const begin = async (): Promise<void> => {
      try {
        const hops = hopsOf(call.metadata);
        const nodeId = headerOf(call.metadata, NODE_ID_HEADER);
        served.attach(await gateway.call({ procedure, payload, timeoutMs, hops }, nodeId, wire));
      } catch (thrown) {
        served.refuseThrown(thrown);
      }
    };
    void begin();
  };
}

function hopsOf(metadata: Metadata): number {
  const text = headerOf(metadata, HOPS_HEADER) ?? '0';
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new GatewayError('invalid_argument', `${HOPS_HEADER} must be a whole number of gateways, but was "${text}"`);
}
