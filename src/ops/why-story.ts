/** A chain of causes as one paragraph that can be read aloud: what failed first, what that took, and what it took in turn. */
import type { CauseView } from '../gateway/views.js';

/** @param chain from the last end back to the first failure, as `Gateway.why` gives it. */
export function whyStory(id: string, chain: readonly CauseView[]): string {
  const [first, ...then] = [...chain].reverse();
  if (!first) return `Nothing is known of an end of ${id}: it has not ended, or that was too long ago.`;
  const beginning = `${first.actor} ended at ${new Date(first.atMs).toISOString()}: ${sentence(first.reason)}`;
  if (then.length === 0) return `${beginning} Nothing before it led to that.`;
  const links = then.map((link, at) => {
    const afterMs = link.atMs - (then[at - 1] ?? first).atMs;
    const took = at === 0 ? 'That took' : 'Which took';
    return `${took} ${link.actor} along ${later(afterMs)}: ${sentence(link.reason)}`;
  });
  return `First, ${beginning} ${links.join(' ')}`;
}

function later(afterMs: number): string {
  if (afterMs <= 0) return 'at once';
  return afterMs < 10_000 ? `${afterMs} ms later` : `${Math.round(afterMs / 1_000)} s later`;
}

/** The reason in one line, with an end to it. */
function sentence(reason: string): string {
  const line = reason.replace(/\s+/g, ' ').trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
