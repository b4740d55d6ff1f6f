import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, configure } from '../../src/configuration.js';
import { configurationReference } from './configuration-reference.js';

const PAGE = new URL('../../docs/configuration.md', import.meta.url);

describe('the configuration', () => {
  it('has a reference page that says what the schema says', () => {
    const page = configurationReference();
    if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, page);
    expect(readFileSync(PAGE, 'utf8')).toBe(page);
  });

  it('has a default for each key', () => {
    const { node, ...rest } = configure({});
    expect(node.realm).toBe('default');
    expect(rest).toMatchObject({
      grpc: { host: '127.0.0.1', port: 50051 },
      http: { host: '127.0.0.1', port: 8080 },
      limits: { clients: 10_000 },
      shutdown: { deadlineMs: 10_000 },
      cameras: [],
    });
  });

  const refusals: readonly (readonly [unknown, string])[] = [
    [{ grcp: {} }, 'grcp: unknown key'],
    [{ grpc: { prot: 1 } }, 'grpc.prot: unknown key'],
    [{ grpc: { port: '1' } }, 'grpc.port: expected number, got a string'],
    [{ http: { token: 'x' } }, 'http.token: Too small: expected string to have >=8 characters, got a string'],
    [{ cameras: [{ id: 'a' }] }, 'cameras[0].source: expected string, got nothing'],
    [
      { cameras: [{ id: 'a', source: 'clip:', lingerMs: -1 }] },
      'cameras[0].lingerMs: Too small: expected number to be >=0, got -1',
    ],
    [
      {
        cameras: [
          { id: 'a', source: 'clip:' },
          { id: 'a', source: 'clip:' },
        ],
      },
      'cameras[1].id: "a" is there twice',
    ],
    ['yes', 'configuration: expected object, got a string'],
  ];
  for (const [input, line] of refusals) {
    it(`is refused in one line: ${line}`, () => {
      expect(() => configure(input)).toThrow(new ConfigurationError([line]));
    });
  }

  it('never repeats a secret that is wrong', () => {
    expect(() => configure({ http: { token: 'hunter2' } })).toThrow(/^(?!.*hunter2).*$/);
  });
});
