import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callOwner, ownerHeaders, TokenReceiver } from '../../src/cluster/index.js';

const owner = { key: 'session.zoë@example.com', token: { era: 1_700_000_000_000, rev: 42 } };

describe('the owner of a call', () => {
  it('is read from the metadata of gRPC and from headers as it was said', () => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(ownerHeaders(owner))) metadata.set(name, value);
    expect(callOwner(metadata)).toEqual(owner);
    expect(callOwner(new Headers(ownerHeaders(owner)))).toEqual(owner);
  });

  it('is nobody where the call names none, as that of a gateway which is alone', () => {
    expect(callOwner(new Metadata())).toBeUndefined();
    expect(callOwner(new Headers({ 'x-sluice-token': '1.2' }))).toBeUndefined();
    expect(callOwner(new Headers({ 'x-sluice-key': 'camera.door' }))).toBeUndefined();
  });

  it.each(['', 'none', '1', '1.2.3', '-1.5', '1.99999999999999999', '1e3.4'])(
    'has the lowest token where it says "%s": it is refused as soon as any other was seen',
    (text) => {
      const said = callOwner({ get: (name) => (name === 'x-sluice-key' ? 'camera.%zz' : text) });
      expect(said).toEqual({ key: 'camera.%zz', token: { era: 0, rev: 0 } });
      const tokens = new TokenReceiver();
      expect(tokens.admits('camera.%zz', { era: 0, rev: 1 })).toBe(true);
      expect(tokens.admits('camera.%zz', said?.token ?? owner.token)).toBe(false);
    },
  );
});
