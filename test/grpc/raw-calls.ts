/** Calls that the gateway's own client does not make: health, reflection, and bytes as they are. */
import { type EventEmitter, once } from 'node:events';
import { Client, credentials, type ServiceDefinition, type StatusObject } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service } from 'grpc-health-check';
import { onTestFinished } from 'vitest';

const health = service as unknown as ServiceDefinition;
export const healthCheck = health['Check'] as ServiceDefinition[string];
export const healthWatch = health['Watch'] as ServiceDefinition[string];

export function rawClient(address: string): Client {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

export function statusOf(call: EventEmitter): Promise<StatusObject> {
  call.on('error', () => {});
  return new Promise((resolve) => call.on('status', resolve));
}

export function unary(client: Client, path: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      request,
      (error, response) => (error ? reject(error) : resolve(response as Buffer)),
    );
  });
}

export interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
}

/** Of reflection's first version, as the library registers it. */
export const reflectionMethod = reflectionDefinition();

function reflectionDefinition(): ServiceDefinition[string] {
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({ addService: (definition) => void definitions.push(definition) });
  return definitions[0]?.['ServerReflectionInfo'] as ServiceDefinition[string];
}

/** A reflection client, made of the definition that the library registers. */
export async function reflectionOf(address: string): Promise<(request: object) => Promise<ReflectionAnswer>> {
  const method = reflectionMethod;
  const call = rawClient(address).makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize as (bytes: Buffer) => ReflectionAnswer,
  );
  call.on('error', () => {});
  return async (request) => {
    const answer = once(call, 'data');
    call.write(request);
    return (await answer)[0] as ReflectionAnswer;
  };
}
