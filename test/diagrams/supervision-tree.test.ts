/** The drawn tree is declared, so this holds it against the tree of a gateway that runs, with somebody in every place. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { supervisionTree } from '../../src/cli/supervision-tree.js';
import type { TreeView } from '../../src/gateway/views.js';
import { createGateway } from '../../src/index.js';
import type { TreeNode } from '../../src/ops/diagrams/supervision-tree.js';

interface Shape {
  readonly name: string;
  readonly strategy: string | undefined;
  readonly children: readonly Shape[];
}

/** `camera:demo` and `camera:<id>` are the same place. */
const placeOf = (name: string) => name.replace(/:.*/, ':');

function drawn({ name, kind, note, children }: TreeNode): Shape {
  const strategy = kind === 'supervisor' ? note?.split(',')[0] : undefined;
  return { name: placeOf(name), strategy, children: children.map(drawn) };
}

function running({ id, strategy, children }: TreeView): Shape {
  return { name: placeOf(id.split('/').at(-1) ?? id), strategy, children: children.map(running) };
}

describe('the drawn supervision tree', () => {
  it('is that of a gateway with a camera, a client, a viewer and a user in a room', async () => {
    const gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      log: { level: 'silent' },
      cameras: [{ id: 'demo', source: 'clip:' }],
    });
    await gateway.start();
    const leave = new AbortController();
    const client = new Client(gateway.addresses.grpc ?? '', credentials.createInsecure());
    try {
      const view = await fetch(`${gateway.addresses.http}/cameras/demo/live.mjpg`, { signal: leave.signal });
      await view.body?.getReader().read();
      const metadata = new Metadata();
      metadata.set('x-node-id', 'visitor');
      const asBytes = (message: Buffer) => message;
      const request = Buffer.from([0x0a, 4, ...Buffer.from('demo')]);
      const call = client.makeServerStreamRequest('/sluice.v1.Gateway/Watch', asBytes, asBytes, request, metadata);
      call.on('error', () => {});
      await new Promise((resolve) => call.once('data', resolve));

      await gateway.rooms.join({ userId: 'ann', roomName: 'hall', token: '', roomUrl: '', targetIdentity: '' });
      await gateway.rooms.stream('ann', { write: () => {}, writeAll: () => {}, end: () => {} });

      expect(running(gateway.tree())).toEqual(drawn(supervisionTree));
      call.cancel();
    } finally {
      leave.abort();
      client.close();
      await gateway.stop({ deadlineMs: 2_000 });
    }
  });
});
