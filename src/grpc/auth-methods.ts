/**
 * What each method needs: the one table. A method that is not in it is for those who may do everything, or whose rules name
 * its path, so that a service which is added and forgotten here is closed and not open.
 */
import type { Metadata } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import type { Permission } from './auth-rules.js';
import { Camera } from './gen/sluice/v1/camera_pb.js';
import { Gateway as GatewayService } from './gen/sluice/v1/gateway_pb.js';
import { CAMERA_ID_HEADER } from './produce-camera-stream.js';
import { headerOf } from './watch.js';

export interface MethodNeeds {
  /** `open`: nothing, not even to be known. `known`: a caller who has shown who he is. */
  readonly who: 'open' | 'known' | 'permitted';
  readonly permission?: Permission | undefined;
  /** The thing that a call is about, where the metadata tells. */
  readonly ofMetadata?: (metadata: Metadata, gateway: Pick<Gateway, 'cameras'>) => string;
  /** The thing that a call is about, where a message tells; `undefined`: not this message. */
  readonly ofMessage?: (message: unknown) => string | undefined;
}

const METHODS: Readonly<Record<string, MethodNeeds>> = {
  [`/${GatewayService.typeName}/Connect`]: {
    who: 'permitted',
    permission: 'connect',
    ofMessage: (message) => helloOf(message)?.nodeId,
  },
  [`/${GatewayService.typeName}/Watch`]: {
    who: 'permitted',
    permission: 'watch',
    ofMessage: (message) => textOf(message, 'cameraId'),
  },
  [`/${GatewayService.typeName}/Publish`]: {
    who: 'permitted',
    permission: 'publish',
    ofMessage: (message) => textOf(message, 'cameraId'),
  },
  [`/${GatewayService.typeName}/Call`]: {
    who: 'permitted',
    permission: 'call',
    ofMessage: (message) => textOf(message, 'procedure'),
  },
  [`/${Camera.typeName}/ProduceCameraStream`]: {
    who: 'permitted',
    permission: 'watch',
    ofMetadata: (metadata, gateway) => headerOf(metadata, CAMERA_ID_HEADER) ?? onlyCameraOf(gateway),
  },
};

const AUDIO: MethodNeeds = {
  who: 'permitted',
  permission: 'audio',
  ofMessage: (message) => textOf(message, 'userId'),
};

/** Health says no more than a probe may know; reflection says what the published protocol says. */
const SERVICES: Readonly<Record<string, MethodNeeds>> = {
  'sluice.v1.AudioBridge': AUDIO,
  'grpc.health.v1.Health': { who: 'open' },
  'grpc.reflection.v1.ServerReflection': { who: 'known' },
  'grpc.reflection.v1alpha.ServerReflection': { who: 'known' },
};

const OTHER: MethodNeeds = { who: 'permitted' };

/** @param path `/package.Service/Method` */
export function needsOf(path: string): MethodNeeds {
  const service = path.slice(1, path.lastIndexOf('/'));
  return own(METHODS, path) ?? own(SERVICES, service) ?? OTHER;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** What is absent or no text is the empty name, which no rule covers. */
function textOf(message: unknown, field: string): string {
  const value = (message as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === 'string' ? value : '';
}

function helloOf(message: unknown): { readonly nodeId: string } | undefined {
  const { message: word } = message as { message?: { case?: string; value?: unknown } };
  return word?.case === 'hello' ? (word.value as { readonly nodeId: string }) : undefined;
}

function onlyCameraOf(gateway: Pick<Gateway, 'cameras'>): string {
  const [only, second] = gateway.cameras();
  return only && !second ? only.id : '';
}
