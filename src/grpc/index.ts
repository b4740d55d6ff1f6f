/** gRPC for hosts and for clients: adding the services to a server of the host's, and talking to a gateway. */
export type { AudioQueueOptions, JoinOptions } from './audio-attempt.js';
export { AudioBridgeClient, type AudioBridgeClientOptions, type AudioLogger, connectAudio } from './audio-client.js';
export type { AudioConnection, AudioConnectionFigures, HeardChunk } from './audio-connection.js';
export {
  type CallOptions,
  type ControlStream,
  createGatewayClient,
  type FrameSink,
  type GatewayClient,
  type GatewayClientOptions,
  type IncomingStream,
  type StreamListener,
} from './client.js';
export { decodeFrame, encodeFrame, type FrameContent } from './frame-codec.js';
export {
  type CallContext,
  type RetrofitCounters,
  type RetrofitLimits,
  type SuperviseOptions,
  type Supervision,
  supervise,
  supervisionOf,
} from './retrofit.js';
export { addGatewayServices } from './server.js';
