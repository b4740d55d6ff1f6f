/**
 * Server reflection, so that a stranger with grpcurl finds out what there is. The descriptions are those of the generated
 * code; nothing is read from `proto/` at run time.
 */
import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from '@bufbuild/protobuf/wkt';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { file_sluice_v1_audio } from './gen/sluice/v1/audio_pb.js';
import { file_sluice_v1_camera } from './gen/sluice/v1/camera_pb.js';
import { file_sluice_v1_frame } from './gen/sluice/v1/frame_pb.js';
import { file_sluice_v1_gateway } from './gen/sluice/v1/gateway_pb.js';
import { mended } from './mended-descriptors.js';

const OUR_FILES: readonly DescFile[] = [
  file_google_protobuf_empty,
  file_sluice_v1_frame,
  file_sluice_v1_gateway,
  file_sluice_v1_camera,
  file_sluice_v1_audio,
];

/** What `@grpc/reflection` reads of a package definition: the encoded descriptors, and nothing else. */
type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** Adds reflection of our services, of `others` (made by proto-loader), and of reflection itself. */
export function addReflection(server: Pick<Server, 'addService'>, others: readonly ServiceDefinition[]): void {
  const itself: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({ addService: (definition) => void itself.push(definition) });
  const descriptors = [
    ...OUR_FILES.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto))),
    ...mended([...others, ...itself].flatMap(descriptorsOf)),
  ];
  const everything = { sluice: { fileDescriptorProtos: descriptors } } as unknown as PackageDefinition;
  new ReflectionService(everything).addToServer(server);
}

/** proto-loader leaves the descriptors of a service's files at the types of its methods. */
function descriptorsOf(definition: ServiceDefinition): readonly Buffer[] {
  return Object.values(definition).flatMap((method) => {
    const { requestType } = method as { requestType?: { fileDescriptorProtos?: readonly Buffer[] } };
    return requestType?.fileDescriptorProtos ?? [];
  });
}
