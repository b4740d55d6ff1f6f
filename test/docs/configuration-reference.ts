/** The reference page of the configuration, made from its schema. */
import { z } from 'zod';
import { configurationSchema } from '../../src/configuration.js';

interface Property {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly items?: Property;
}

const INTRODUCTION = `# Configuration

What \`sluice serve --config FILE\` reads (YAML or JSON) and \`createGateway(options)\` takes. Every key has a default; an
unknown key or a wrong type is refused by its path. Times are milliseconds. This page is made from the schema in
\`src/configuration.ts\`; a test compares them, and \`UPDATE_DOCS=1 npx vitest run test/docs\` writes it anew.

| key | default | allowed | what |
|---|---|---|---|
`;

export function configurationReference(): string {
  const schema = z.toJSONSchema(configurationSchema, { io: 'input' }) as unknown as Property;
  return `${INTRODUCTION}${rows('', schema).join('\n')}\n`;
}

function rows(prefix: string, { properties = {} }: Property): string[] {
  return Object.entries(properties).flatMap(([key, property]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (property.properties) return rows(path, property);
    if (property.items?.properties) return [row(path, property), ...rows(`${path}[]`, property.items)];
    return [row(path, property)];
  });
}

function row(path: string, property: Property): string {
  const { default: byDefault, description = '' } = property;
  const shown = byDefault === undefined ? '' : `\`${JSON.stringify(byDefault)}\``;
  return `| \`${path}\` | ${path === 'node.id' ? '' : shown} | ${allowed(property)} | ${description} |`;
}

function allowed({ type, enum: values, minimum, maximum }: Property): string {
  if (values) return values.map((value) => `\`${value}\``).join(' ');
  if (minimum === undefined) return type ?? '';
  const top = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? 'more' : String(maximum);
  return `${type} ${minimum} … ${top}`;
}
