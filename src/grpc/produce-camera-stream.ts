/**
 * Camera.ProduceCameraStream: the gateway as a camera to somebody else. The request is empty, so the metadata says which
 * camera; everything after that is a Watch.
 */
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { Frame } from '../gateway/frame.js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { GrpcLog } from './served-call.js';
import { headerOf, serveFrames } from './watch.js';

/** Chooses the camera where there are several. */
export const CAMERA_ID_HEADER = 'x-camera-id';

export function serveProduceCameraStream(gateway: Gateway, log: GrpcLog): handleServerStreamingCall<unknown, Frame> {
  return (call) => {
    const chosen = headerOf(call.metadata, CAMERA_ID_HEADER);
    void serveFrames(call, () => ({ cameraId: chosen ?? onlyCamera(gateway) }), gateway, log);
  };
}

function onlyCamera(gateway: Gateway): string {
  const cameras = gateway.cameras();
  const [only] = cameras;
  if (!only) throw new GatewayError('camera_not_found', 'this gateway has no camera');
  if (cameras.length === 1) return only.id;
  throw new GatewayError(
    'invalid_argument',
    `the metadata ${CAMERA_ID_HEADER} must name one of ${cameras.length} cameras, but was absent`,
  );
}
