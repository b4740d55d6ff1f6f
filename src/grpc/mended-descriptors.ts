/**
 * Descriptors as protoc writes them. Those that proto-loader makes name their types as the .proto file did (`Request` and not
 * `.acme.v1.Request`), and their fields in JSON not at all, which only some readers of reflection bear.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** The same files, with each name of a type in full, and each field's name in JSON. Types are looked for in all of these files. */
export function mended(files: readonly Buffer[]): readonly Buffer[] {
  const protos = files.map((file) => fromBinary(FileDescriptorProtoSchema, file));
  const known = new Set(protos.flatMap((proto) => [...typesOf(proto)]));
  return protos.map((proto) => {
    for (const message of proto.messageType) mendMessage(message, inside(proto.package, message.name), known);
    for (const { method } of proto.service) {
      for (const rpc of method) {
        rpc.inputType = resolve(rpc.inputType, proto.package, known);
        rpc.outputType = resolve(rpc.outputType, proto.package, known);
      }
    }
    return Buffer.from(toBinary(FileDescriptorProtoSchema, proto));
  });
}

function mendMessage(message: DescriptorProto, scope: string, known: ReadonlySet<string>): void {
  for (const field of message.field) {
    field.typeName = resolve(field.typeName, scope, known);
    field.jsonName ||= field.name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
  }
  for (const nested of message.nestedType) mendMessage(nested, inside(scope, nested.name), known);
}

/** As a .proto file is read: from the innermost scope outwards. What is nowhere stays as it is. */
function resolve(name: string, scope: string, known: ReadonlySet<string>): string {
  if (name === '' || name.startsWith('.')) return name;
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
    const candidate = inside(around, name);
    if (known.has(candidate)) return `.${candidate}`;
    if (around === '') return name;
  }
}

function* typesOf({ package: scope, messageType, enumType }: FileDescriptorProto): Generator<string> {
  for (const { name } of enumType) yield inside(scope, name);
  for (const message of messageType) yield* typesIn(message, scope);
}

function* typesIn(message: DescriptorProto, scope: string): Generator<string> {
  const name = inside(scope, message.name);
  yield name;
  for (const nested of message.enumType) yield inside(name, nested.name);
  for (const nested of message.nestedType) yield* typesIn(nested, name);
}

function inside(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}
