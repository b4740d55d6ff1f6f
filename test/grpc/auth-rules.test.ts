import { describe, expect, it } from 'vitest';
import { configure } from '../../src/configuration.js';
import { needsOf } from '../../src/grpc/auth-methods.js';
import { type Permission, RULE, Rules } from '../../src/grpc/auth-rules.js';
import { cameraService, gatewayService } from '../../src/grpc/services.js';

const WATCH = '/sluice.v1.Gateway/Watch';

function may(rules: readonly string[], permission: Permission | undefined, thing = '', path = WATCH): boolean {
  const all = new Rules(rules);
  const grant = all.grant(path, permission);
  return grant === 'all' || (grant === 'some' && permission !== undefined && all.covers(permission, thing));
}

describe('the rules of a caller', () => {
  it.each([
    [['*'], 'watch', 'front', true],
    [['watch'], 'watch', 'front', true],
    [['watch'], 'publish', 'front', false],
    [['watch:front'], 'watch', 'front', true],
    [['watch:front'], 'watch', 'front-2', false],
    [['watch:front'], 'watch', 'Front', false],
    [['watch:front'], 'watch', '', false],
    [['watch:yard-*'], 'watch', 'yard-12', true],
    [['watch:yard-*'], 'watch', 'my-yard-12', false],
    [['watch:*'], 'watch', 'anything\nat all', true],
    [['watch:a.b'], 'watch', 'axb', false],
    [['call:echo.*', 'watch'], 'call', 'echo.say', true],
    [['call:echo.*', 'watch'], 'call', 'admin.stop', false],
    [['watch:front', 'watch:back'], 'watch', 'back', true],
    [['/sluice.v1.Gateway/Watch'], 'watch', 'front', true],
    [['/sluice.v1.Gateway/*'], 'watch', 'front', true],
    [['/sluice.v1.Camera/*'], 'watch', 'front', false],
    [[], 'watch', 'front', false],
  ] as const)('%j: %s of "%s": %s', (rules, permission, thing, answer) => {
    expect(may(rules, permission, thing)).toBe(answer);
  });

  it('open a method that nobody has put into the table to those only who may do everything, or whose rules name it', () => {
    const path = '/acme.v1.Added/Later';
    expect(needsOf(path)).toEqual({ who: 'permitted' });
    expect(may(['watch', 'call'], undefined, '', path)).toBe(false);
    expect(may(['*'], undefined, '', path)).toBe(true);
    expect(may(['/acme.v1.Added/*'], undefined, '', path)).toBe(true);
  });
});

describe('the table of methods', () => {
  it('has every method of our services', () => {
    const paths = [gatewayService, cameraService].flatMap((service) => Object.values(service).map(({ path }) => path));
    for (const path of [...paths, '/sluice.v1.AudioBridge/JoinRoom']) {
      const needs = needsOf(path);
      expect(needs.permission, path).toBeDefined();
      expect(needs.ofMessage ?? needs.ofMetadata, path).toBeDefined();
    }
  });

  it('leaves health open and reflection to the known, and takes no name from an object', () => {
    expect(needsOf('/grpc.health.v1.Health/Check').who).toBe('open');
    expect(needsOf('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo').who).toBe('known');
    expect(needsOf('/toString/x')).toEqual({ who: 'permitted' });
    expect(needsOf('__proto__')).toEqual({ who: 'permitted' });
  });
});

describe('a configuration of who may do what', () => {
  it.each(['*', 'watch', 'watch:front', 'publish:*', '/a.B/C'])('takes %s', (rule) => expect(rule).toMatch(RULE));

  it('is refused with the path of what is wrong, and without the token', () => {
    const wrong = (auth: object): string => {
      try {
        configure({ grpc: { auth } });
      } catch (error) {
        return (error as Error).message;
      }
      return 'taken';
    };
    expect(wrong({ tokens: [{ token: 'planted secret', may: ['watch'] }] })).toBe(
      'grpc.auth.tokens[0].token: expected visible ASCII characters, got a string',
    );
    expect(wrong({ tokens: [{ token: 'planted', may: ['see'] }] })).toMatch(
      /^grpc\.auth\.tokens\[0\]\.may\[0\]: expected \*/,
    );
    expect(wrong({ tokens: [{ token: 'planted', may: [] }] })).toMatch(/^grpc\.auth\.tokens\[0\]\.may: /);
    expect(wrong({ tokens: [{ token: 'planted' }] })).toMatch(/^grpc\.auth\.tokens\[0\]\.may: /);
    expect(wrong({ tokens: [{ token: 'planted', may: ['*'], name: 'x' }] })).toBe(
      'grpc.auth.tokens[0].name: unknown key',
    );
  });
});
