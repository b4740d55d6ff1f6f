/** A publisher as a stream among others, on virtual time: its silence, its ends, and what stays behind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishHandle, PublishSummary, PublishWire } from '../../src/gateway/transport.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';
import { WholeGateway } from './whole-gateway.js';

class RecordedPublish implements PublishWire {
  readonly told: (PublishSummary | ExitReason)[] = [];

  finish(summary: PublishSummary): void {
    this.told.push(summary);
  }

  end(reason: ExitReason): void {
    this.told.push(reason);
  }
}

let whole: WholeGateway;

beforeEach(async () => {
  whole = await WholeGateway.start({
    cameras: [{ id: 'front', source: 'push:' }],
    session: { inactivityMs: 1_000, graceMs: 5_000 },
  });
});

afterEach(() => whole.stop());

async function publish(nodeId?: string): Promise<{ readonly handle: PublishHandle; readonly wire: RecordedPublish }> {
  const wire = new RecordedPublish();
  const handle = await whole.live.publish({ cameraId: 'front' }, nodeId, wire);
  await whole.settle();
  return { handle, wire };
}

const picture = (text = 'frame') => ({ contentType: 'image/jpeg', data: Buffer.from(text) });

describe('a publisher', () => {
  it('that is silent for the inactivity time is ended; any sign of life puts it off', async () => {
    const { handle, wire } = await publish();
    await whole.pass(900);
    handle.picture(picture());
    await whole.pass(900);
    handle.heard();
    await whole.pass(900);
    expect(wire.told).toEqual([]);
    await whole.pass(200);
    expect(wire.told).toEqual([{ shutdown: 'inactivity' }]);
    expect(whole.live.resources()).toMatchObject({ clients: 0, streams: 0, sessions: 0 });
  });

  it('has a stream of its own in the lists, of its client, with what it sent and what was dropped', async () => {
    await whole.hello('edge-1');
    const { handle } = await publish('edge-1');
    for (let turn = 0; turn < 3; turn += 1) handle.picture(picture());
    const view = whole.live.streams().find(({ kind }) => kind === 'publish');
    expect(view).toMatchObject({ nodeId: 'edge-1', cameraId: 'front', sent: 3, drops: 2, queued: 0 });
    expect(whole.live.clients()).toMatchObject([{ nodeId: 'edge-1', streams: 2 }]);
  });

  const ends: readonly (readonly [string, (handle: PublishHandle) => Promise<void> | void, unknown])[] = [
    ['says its last', (handle) => handle.peerHalfClosed(), { frames: 1, bytes: 5, dropped: 0 }],
    ['cancels', (handle) => handle.peerCancelled(), { shutdown: 'cancelled' }],
    ['fails', (handle) => handle.failed(new Error('reset')), new Error('reset')],
    ['is past its deadline', (handle) => handle.deadlineExceeded(), { shutdown: 'deadline_exceeded' }],
    ['is silent', () => whole.pass(1_100), { shutdown: 'inactivity' }],
    ['is killed', (handle) => whole.kill(handle.id), 'killed'],
    ['loses its client', () => whole.kill('sluice/sessions/session:edge-1'), expect.anything()],
    ['is told to go', () => whole.live.drain(0), { shutdown: 'drain' }],
  ];
  it.each(ends)('that %s is told once, and its viewers wait for another', async (_how, end, word) => {
    const viewer = await whole.watch();
    const { handle, wire } = await publish('edge-1');
    handle.picture(picture());
    // An attempt reports nothing before its clock has turned once.
    await whole.pass(1);
    expect(viewer.wire.frames).toHaveLength(1);
    await end(handle);
    await whole.settle();
    expect(wire.told).toEqual([word]);
    // What comes late goes nowhere.
    handle.picture(picture('late'));
    handle.heard();
    handle.peerHalfClosed();
    await whole.settle();
    expect(wire.told).toHaveLength(1);
    expect(whole.gateway.cameras.get('front').view().frames).toBe(1);
    expect(whole.live.streams().filter(({ kind }) => kind === 'publish')).toEqual([]);
  });

  it('lives on when its camera is killed, and feeds the next', async () => {
    const { handle, wire } = await publish();
    await whole.kill('sluice/cameras/camera:front');
    await whole.pass(100);
    const viewer = await whole.watch();
    await whole.pass(1);
    handle.picture(picture('again'));
    await whole.settle();
    expect(viewer.wire.frames).toHaveLength(1);
    handle.peerHalfClosed();
    await whole.settle();
    expect(wire.told).toEqual([{ frames: 1, bytes: 5, dropped: 0 }]);
  });
});

describe('a function of the host', () => {
  it('S0-26 sees the frames of its camera again after that was killed, until it is taken back', async () => {
    const seen: number[] = [];
    const undo = whole.gateway.cameras.process('front', ({ seq }) => seen.push(seq));
    const { handle } = await publish();
    await whole.pass(1);
    for (let turn = 0; turn < 2; turn += 1) handle.picture(picture());
    await whole.settle();
    await whole.kill('sluice/cameras/camera:front');
    await whole.pass(100);
    handle.picture(picture());
    await whole.settle();
    // A new camera's numbers begin anew.
    expect(seen).toEqual([1, 2, 1]);
    undo();
    handle.picture(picture());
    await whole.settle();
    expect(seen).toHaveLength(3);
    expect(whole.viewers).toBe(0);
  });

  it('needs a camera that there is', () => {
    expect(() => whole.gateway.cameras.process('roof', () => {})).toThrow('camera_not_found');
  });
});
