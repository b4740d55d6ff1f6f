/** `sluice doctor` on the machine that runs the tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runDoctor } from '../../src/cli/doctor.js';
import { outputs } from './captured.js';

interface Told {
  readonly sound: boolean;
  readonly findings: readonly { readonly what: string; readonly state: string; readonly says: string }[];
}

async function asked(configuration: object): Promise<readonly [exitCode: number, told: Told]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'sluice.json');
  writeFileSync(config, JSON.stringify(configuration));
  const { stdout } = outputs();
  const exitCode = await runDoctor({ config, json: true, stdout });
  return [exitCode, JSON.parse(stdout.text) as Told];
}

const ANY_PORT = { grpc: { port: 0 }, http: { port: 0 } };

describe('a doctor', () => {
  it('finds nothing wrong with a configuration that would run here', async () => {
    const [exitCode, { sound, findings }] = await asked(ANY_PORT);
    expect([exitCode, sound]).toEqual([0, true]);
    expect(findings.find(({ what }) => what === 'Node')).toEqual({ what: 'Node', state: 'ok', says: process.version });
  });

  it('names the key that is wrong in a configuration', async () => {
    const [exitCode, { findings }] = await asked({ ...ANY_PORT, nonsense: 1 });
    expect(exitCode).toBe(1);
    expect(findings.find(({ what }) => what === 'configuration')).toMatchObject({
      state: 'fault',
      says: expect.stringContaining('nonsense'),
    });
  });

  it('says which port somebody else has', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const [exitCode, { findings }] = await asked({ ...ANY_PORT, http: { port } });
    expect(exitCode).toBe(1);
    expect(findings.find(({ what }) => what === 'HTTP port')).toEqual({
      what: 'HTTP port',
      state: 'fault',
      says: `127.0.0.1:${port} is in use by another process`,
    });
  });
});
