/** Who may record into a folder, and who is told that somebody else does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Claimant, FolderClaim } from '../../src/cameras/recording-claim.js';
import { systemDisk } from '../../src/cameras/recording-disk.js';

const HERE = { space: 'here', host: 'bay', started: '1', held: new Set<string>() };

function claimant(process: number, more: Partial<Claimant> = {}): Claimant {
  return { ...HERE, process, held: new Set(), lives: () => true, ...more };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-claim-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The claim in this folder was renewed so long ago. */
function age(folder: string, seconds: number): void {
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 0, Date.now() / 1_000 - seconds);
}

describe('a folder that is recorded into', () => {
  it('is refused to others, who are told by whom, until it is given back', async () => {
    const folder = temporaryFolder();
    const first = new FolderClaim(systemDisk, folder, claimant(7));
    const second = new FolderClaim(systemDisk, folder, claimant(8));
    await first.take();
    await expect(second.take()).rejects.toThrow(
      `${folder} is being recorded into by process 7 on bay: expected a folder of this gateway alone (record.dir)`,
    );
    expect(readdirSync(folder)).toHaveLength(1);
    await first.take();
    expect(readdirSync(folder)).toHaveLength(1);
    await first.release();
    await second.take();
    expect([first.held, second.held]).toEqual([false, true]);
    await second.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has one writer, however many come at once', async () => {
    for (let round = 0; round < 50; round += 1) {
      const folder = temporaryFolder();
      const claims = [1, 2, 3, 4].map((process) => new FolderClaim(systemDisk, folder, claimant(process)));
      await Promise.allSettled(claims.map((claim) => claim.take()));
      const held = claims.filter((claim) => claim.held);
      expect(held.length).toBeLessThanOrEqual(1);
      expect(readdirSync(folder)).toHaveLength(held.length);
    }
  });

  it('is refused to another in the same process', async () => {
    const folder = temporaryFolder();
    const first = new FolderClaim(systemDisk, folder);
    await first.take();
    await expect(new FolderClaim(systemDisk, folder).take()).rejects.toThrow('by this very process');
    await first.release();
  });

  it('is lost to whoever finds the claim gone', async () => {
    const folder = temporaryFolder();
    const claim = new FolderClaim(systemDisk, folder, claimant(1));
    await claim.take();
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    await expect(claim.renew()).rejects.toThrow('its claim is gone');
    expect(claim.held).toBe(false);
  });
});

describe('what whoever was killed has left', () => {
  it('is taken by the next of the same machine at once', async () => {
    const folder = temporaryFolder();
    await new FolderClaim(systemDisk, folder, claimant(7)).take();
    const next = new FolderClaim(systemDisk, folder, claimant(8, { lives: (process) => process !== 7 }));
    await next.take();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is taken when its number belongs to another process now', async () => {
    const folder = temporaryFolder();
    await new FolderClaim(systemDisk, folder, claimant(7, { started: 'earlier' })).take();
    const lives = (_process: number, started: string) => started !== 'earlier';
    await new FolderClaim(systemDisk, folder, claimant(7, { lives })).take();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is taken by another machine when it was not renewed for a while, and not before', async () => {
    const folder = temporaryFolder();
    await new FolderClaim(systemDisk, folder, claimant(7, { space: 'there', host: 'quay' })).take();
    const next = new FolderClaim(systemDisk, folder, claimant(7));
    age(folder, 15);
    await expect(next.take()).rejects.toThrow('process 7 on quay');
    age(folder, 21);
    await next.take();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is taken when it is rubbish that nobody renews', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'recorder-0.lock'), '{"space":');
    const next = new FolderClaim(systemDisk, folder, claimant(7));
    await expect(next.take()).rejects.toThrow('another gateway');
    age(folder, 21);
    await next.take();
  });

  it('is known by the system: a real process lives until it is killed', async () => {
    const folder = temporaryFolder();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const mine = new FolderClaim(systemDisk, folder);
    await mine.take();
    const [name = ''] = readdirSync(folder);
    const words = JSON.parse(await systemDisk.readFile(join(folder, name), 'utf8')) as { started: string };
    await mine.release();
    const { readFileSync } = await import('node:fs');
    const started = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
    writeFileSync(join(folder, 'recorder-child.lock'), JSON.stringify({ ...words, process: child.pid, started }));
    age(folder, 1_000);
    await expect(mine.take()).rejects.toThrow(`process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await mine.take();
    await mine.release();
  });
});
