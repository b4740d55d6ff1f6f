/** The public API: the gateway that a host embeds, and the kernel under it. */

export { type Configuration, ConfigurationError, type ConfigurationInput } from './configuration.js';
export {
  createGateway,
  type GatewayHostOptions,
  type SluiceGateway,
} from './create-gateway.js';
export type { ChannelCounts } from './gateway/channel.js';
export type { AcquireOptions, Channels } from './gateway/channels.js';
export type { Frame, Picture } from './gateway/frame.js';
export type { FrameFunction } from './gateway/frame-processor.js';
export type { FrameResource } from './gateway/frame-resource.js';
export type {
  FrameSource,
  SourceAttempt,
  SourceDriver,
  SourceListener,
  SourceOptions,
} from './gateway/frame-source.js';
export { SourceError } from './gateway/frame-source.js';
export { type ErrorCode, GatewayError } from './gateway/gateway-error.js';
export type { Lease } from './gateway/lease.js';
export type { RoomBackend, RoomEar, RoomLink, RoomListener, RoomRequest } from './gateway/room-backend.js';
export type { AudioChunk, AudioContent } from './gateway/room-transport.js';
export type {
  ActorView,
  CallView,
  CameraView,
  CauseView,
  ChannelView,
  ClientView,
  GatewayEvent,
  ParticipantView,
  Resources,
  RoomView,
  ServiceView,
  SessionView,
  StreamView,
  TopicView,
  TreeView,
} from './gateway/views.js';
export type { CredentialsWanted, GrpcCameraOptions } from './grpc/camera-source.js';
export { callOver, type GrpcChannel, type GrpcChannelOptions } from './grpc/channel.js';
export type { Inspect } from './inspection.js';
export * from './otp/index.js';
