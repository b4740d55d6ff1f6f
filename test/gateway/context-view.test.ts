/** What of an actor's data somebody may see. */
import { describe, expect, it } from 'vitest';
import { contextView } from '../../src/gateway/context-view.js';

const SECRET = 'planted-secret';

describe("a chart's data", () => {
  it('is shown as it is where it is small, and by its size where it is large', () => {
    const context = {
      failures: 2,
      wanted: true,
      name: 'front',
      none: null,
      picture: Buffer.alloc(7),
      text: 'x'.repeat(500),
      clients: new Map([['a', 1]]),
      retry: { attempts: 3, deeper: { deepest: { bottom: 1 } } },
      many: Array.from({ length: 100 }, () => 0),
      few: [1, 2],
      when: new Date(0),
      error: new Error('gone'),
      call: () => SECRET,
      big: 5n,
    };
    expect(contextView(context)).toEqual({
      failures: 2,
      wanted: true,
      name: 'front',
      none: null,
      picture: '[7 bytes]',
      text: '[500 characters]',
      clients: '[Map of 1]',
      retry: { attempts: 3, deeper: { deepest: '[1 fields]' } },
      many: '[100 items]',
      few: [1, 2],
      when: '[Date]',
      error: 'Error: gone',
      big: '5',
    });
  });

  it('is not shown where it is secret, or was brought along by somebody', () => {
    const context = {
      token: SECRET,
      resumeToken: SECRET,
      password: SECRET,
      url: `rtsp://admin:${SECRET}@camera/stream?token=${SECRET}`,
      metadata: { anything: SECRET },
      inner: { headers: { 'x-key': SECRET }, apiKey: SECRET },
      error: new Error(`Bearer ${SECRET}`),
      sockets: new Map([[SECRET, SECRET]]),
    };
    expect(JSON.stringify(contextView(context))).not.toContain(SECRET);
  });

  it('is nothing for an actor without any', () => {
    expect(contextView(undefined)).toBeUndefined();
    expect(contextView({})).toBeUndefined();
    expect(contextView('text')).toBeUndefined();
  });
});
