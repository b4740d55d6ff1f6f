/** `sluice cluster status [URL]`: how a running gateway stands among the others, as its HTTP port tells it. */
import type { ClusterView } from '../gateway/views.js';

export interface ClusterCommand {
  /** Where the gateway's HTTP listens. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const ANSWER_MS = 5_000;

/** @returns the exit code: 0 where it may act for its keys, 1 where it may not or is alone, 2 where it cannot be asked. */
export async function runClusterStatus({ url, token, stdout, stderr }: ClusterCommand): Promise<number> {
  let cluster: ClusterView | null;
  try {
    cluster = await ask(url, token);
  } catch (error) {
    stderr.write(`sluice cluster status: ${(error as Error).message}\n`);
    return 2;
  }
  if (!cluster) {
    stdout.write('alone: cluster.nats is not set\n');
    return 1;
  }
  const { node, state, engine, keys, known, leaseMs, members } = cluster;
  stdout.write(
    `node    ${node}\nstate   ${state}, may act for ${(leaseMs / 1_000).toFixed(1)} s without another renewal\nengine  ${engine}\nkeys    ${keys} here, ${known} known\n\n`,
  );
  for (const line of table([
    ['NODE', 'STATE', 'KEYS', 'PROCEDURES', 'CAMERAS', 'INCARNATION'],
    ...members.map((member) => [
      member.id,
      member.state,
      ...[member.keys, member.procedures, member.cameras, member.inc].map(String),
    ]),
  ])) {
    stdout.write(`${line}\n`);
  }
  return state === 'up' ? 0 : 1;
}

async function ask(url: string, token: string | undefined): Promise<ClusterView | null> {
  const whole = url.includes('://') ? url : `http://${url}`;
  if (!URL.canParse(whole)) throw new Error(`URL: expected one such as http://127.0.0.1:8080, got "${url}"`);
  const base = new URL(whole);
  let response: Response;
  try {
    response = await fetch(new URL('/api/cluster', base), {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new Error(`${base.host}: ${cause?.code ?? (error as Error).message}`);
  }
  if (!response.ok) throw new Error(`${base.host}: ${response.status} ${await response.text()}`.trim());
  return ((await response.json()) as { readonly cluster: ClusterView | null }).cluster;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
