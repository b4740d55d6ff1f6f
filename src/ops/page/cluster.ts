/** This gateway among the others; the area is not there while it is alone. */
import type { ClusterView, MemberView } from '../../gateway/views.js';
import { ask, Refusal } from './ask.js';
import { setBadge } from './badge.js';
import { byId, setText } from './dom.js';
import { Table } from './tables.js';
import { age, many, number, toneOf } from './words.js';

const members = new Table<MemberView>({
  id: 'members',
  title: 'Members',
  columns: [
    { label: 'Gateway', look: 'name mono', text: ({ id }) => id },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Address', look: 'mono', text: ({ addr }) => addr },
    { label: 'Incarnation', look: 'number optional', text: ({ inc }) => String(inc) },
    { label: 'Keys', look: 'number', text: ({ keys }) => number(keys) },
  ],
});

/** @returns whether there is a cluster. */
export async function showCluster(): Promise<boolean> {
  const cluster = await clusterNow();
  if (!cluster) return false;
  setBadge(byId('cluster-state'), cluster.state, toneOf(cluster.state));
  const keys = `${many(cluster.keys, 'key')} here, ${number(cluster.known)} known`;
  const lease = `may act for ${age(cluster.leaseMs)} without another renewal`;
  setText(byId('cluster-about'), `${cluster.node} · ${cluster.engine} · ${keys} · ${lease}`);
  members.show(cluster.members);
  return true;
}

async function clusterNow(): Promise<ClusterView | null> {
  try {
    return (await ask<{ cluster: ClusterView | null }>('api/cluster')).cluster;
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}
