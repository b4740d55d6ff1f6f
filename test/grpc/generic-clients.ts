/**
 * Three strangers who have nothing of ours but the address: grpc-js, nice-grpc, and HTTP/2 by hand. What there is to call, and
 * how a message looks, they learn by reflection.
 */
import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type MethodDefinition } from '@grpc/grpc-js';
import { ClientError, createChannel, createClient, Metadata as NiceMetadata } from 'nice-grpc';
import { onTestFinished } from 'vitest';
import { reflectionOf } from './raw-calls.js';
import { answerOf, framed, openCall, openSession, unframed } from './raw-http2.js';

/** Makes one call. `take`: so many answers are waited for before the requests are ended; then the call is cancelled if it goes on. */
export type Caller = (
  method: DescMethod,
  requests: readonly Buffer[],
  take: number,
  headers: Readonly<Record<string, string>>,
) => Promise<{ readonly answers: readonly Uint8Array[]; readonly status: number }>;

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
const bytes = (value: Buffer): Buffer => value;

/** Whoever it is, a call is on the wire what it is: requests, then the end of them; answers, then a status. */
export const CALLERS: Readonly<Record<string, (address: string) => Caller>> = {
  'grpc-js': (address) => {
    const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    onTestFinished(() => client.close());
    return (method, requests, take, headers) =>
      new Promise((resolve) => {
        const call = client.makeBidiStreamRequest<Buffer, Buffer>(pathOf(method), bytes, bytes, metadataOf(headers));
        const answers: Buffer[] = [];
        const look = (): void => {
          if (answers.length >= take) call.end();
          if (answers.length > take) call.cancel();
        };
        call.on('data', (answer: Buffer) => {
          answers.push(answer);
          look();
        });
        call.on('error', () => {});
        call.on('status', ({ code }) => resolve({ answers, status: code }));
        for (const request of requests) call.write(request);
        if (endsAtOnce(method)) call.end();
        look();
      });
  },
  'nice-grpc': (address) => {
    const channel = createChannel(address);
    onTestFinished(() => channel.close());
    return async (method, requests, take, headers) => {
      const definition: MethodDefinition<Buffer, Buffer> & { requestStream: boolean; responseStream: boolean } = {
        path: pathOf(method),
        requestStream: !isEager(method),
        responseStream: isStreamed(method),
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      };
      const client = createClient({ method: definition } as never, channel) as unknown as {
        method(request: unknown, options: object): unknown;
      };
      const answers: Buffer[] = [];
      const cancel = new AbortController();
      let enough: () => void = () => {};
      const taken = new Promise<void>((resolve) => {
        enough = resolve;
      });
      async function* all(): AsyncGenerator<Buffer> {
        yield* requests;
        if (isStreamed(method)) await taken;
      }
      const look = (): void => {
        if (answers.length >= take) enough();
        if (answers.length > take) cancel.abort();
      };
      look();
      try {
        const made = client.method(isEager(method) ? requests[0] : all(), {
          signal: cancel.signal,
          metadata: NiceMetadata(headers),
        });
        if (isStreamed(method)) {
          for await (const answer of made as AsyncIterable<Buffer>) {
            answers.push(answer);
            look();
          }
        } else answers.push((await made) as Buffer);
        return { answers, status: 0 };
      } catch (thrown) {
        return { answers, status: thrown instanceof ClientError ? thrown.code : 1 };
      }
    };
  },
  'HTTP/2 by hand': (address) => {
    const session = openSession(address);
    return async (method, requests, take, headers) => {
      const stream = openCall(session, pathOf(method), headers);
      const answer = answerOf(stream);
      const parts: Buffer[] = [];
      let ended = endsAtOnce(method);
      for (const request of requests) stream.write(framed(request));
      const look = (): void => {
        const count = unframed(Buffer.concat(parts)).length;
        if (count >= take && !ended) {
          ended = true;
          stream.end();
        }
        if (count > take) stream.close(8);
      };
      stream.on('data', (part: Buffer) => {
        parts.push(part);
        look();
      });
      if (ended) stream.end();
      else look();
      const { body, status } = await answer;
      return { answers: unframed(body), status: status ?? 1 };
    };
  },
};

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** Whose requests wait for no answer. */
function endsAtOnce({ methodKind }: DescMethod): boolean {
  return methodKind !== 'bidi_streaming';
}

/** One request. */
function isEager({ methodKind }: DescMethod): boolean {
  return methodKind === 'unary' || methodKind === 'server_streaming';
}

function isStreamed({ methodKind }: DescMethod): boolean {
  return methodKind === 'bidi_streaming' || methodKind === 'server_streaming';
}

/** A stranger with the descriptions that he was given: calls in JSON. */
export class Stranger {
  readonly services: readonly DescService[];
  readonly #call: Caller;
  readonly #registry: FileRegistry;

  private constructor(services: readonly DescService[], registry: FileRegistry, call: Caller) {
    this.services = services;
    this.#registry = registry;
    this.#call = call;
  }

  /** Learns by reflection what there is. */
  static async meet(address: string, caller: (address: string) => Caller): Promise<Stranger> {
    const ask = await reflectionOf(address);
    const names = (await ask({ listServices: '*' })).listServicesResponse?.service.map(({ name }) => name) ?? [];
    const files = new Map<string, ReturnType<typeof fromBinary<typeof FileDescriptorProtoSchema>>>();
    for (const name of names) {
      const answer = await ask({ fileContainingSymbol: name });
      // The file that was asked for is the first; what it imports has to come before it.
      for (const file of [...(answer.fileDescriptorResponse?.fileDescriptorProto ?? [])].reverse()) {
        const proto = fromBinary(FileDescriptorProtoSchema, Uint8Array.from(file));
        files.set(proto.name, proto);
      }
    }
    const ordered = inOrder([...files.values()]);
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: ordered }));
    const services = names.map((name) => registry.getService(name) as DescService);
    return new Stranger(services, registry, caller(address));
  }

  get methods(): readonly string[] {
    return this.services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`));
  }

  async call(
    name: string,
    requests: readonly JsonValue[],
    take: number,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const [service = '', methodName] = name.split('/');
    const method = this.#registry.getService(service)?.methods.find((one) => one.name === methodName) as DescMethod;
    const encoded = requests.map((json) => Buffer.from(toBinary(method.input, fromJson(method.input, json))));
    const { answers, status } = await this.#call(method, encoded, take, headers);
    const options = { registry: this.#registry, alwaysEmitImplicit: true };
    return {
      status,
      answers: answers.map((answer) => toJson(method.output, fromBinary(method.output, answer), options)),
    };
  }
}

function inOrder<F extends { readonly name: string; readonly dependency: readonly string[] }>(
  files: readonly F[],
): F[] {
  const placed = new Map<string, F>();
  const place = (file: F): void => {
    if (placed.has(file.name)) return;
    for (const needed of file.dependency) {
      const other = files.find(({ name }) => name === needed);
      if (other) place(other);
    }
    placed.set(file.name, file);
  };
  for (const file of files) place(file);
  return [...placed.values()];
}
