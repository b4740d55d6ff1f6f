/**
 * Who subscribed to a topic, found by its segments. A pattern is a path through a trie; `*` and `**` are branches like any
 * word. A topic is matched by walking all paths that fit at once, as an automaton does, so that the work is bounded by
 * segments times nodes reached: patterns such as `**.**.**.a`, tried one way after the other, would take for ever.
 *
 * Nothing here knows actors, limits or wires.
 */

/** Longest pattern or topic, in characters and in segments. */
export const TOPIC_LENGTH_MAX = 256;
export const TOPIC_SEGMENTS_MAX = 32;

interface Node<S> {
  readonly children: Map<string, Node<S>>;
  readonly subscribers: Set<S>;
  /** This node is a `**`: it takes any number of segments. */
  readonly deep: boolean;
}

export class TopicTrie<S> {
  readonly #root: Node<S> = emptyNode(false);
  #nodes = 1;

  /** For tests and figures: a trie without patterns is its root alone. */
  get nodes(): number {
    return this.#nodes;
  }

  add(pattern: string, subscriber: S): void {
    let node = this.#root;
    for (const segment of pattern.split('.')) {
      let child = node.children.get(segment);
      if (!child) {
        child = emptyNode(segment === '**');
        node.children.set(segment, child);
        this.#nodes += 1;
      }
      node = child;
    }
    node.subscribers.add(subscriber);
  }

  /** Takes the subscriber off, and the branch with it when nobody else is on it. */
  remove(pattern: string, subscriber: S): void {
    const segments = pattern.split('.');
    const path = [this.#root];
    for (const segment of segments) {
      const child = path.at(-1)?.children.get(segment);
      if (!child) return;
      path.push(child);
    }
    path.at(-1)?.subscribers.delete(subscriber);
    for (let depth = segments.length; depth > 0; depth -= 1) {
      const node = path[depth] as Node<S>;
      if (node.subscribers.size > 0 || node.children.size > 0) return;
      path[depth - 1]?.children.delete(segments[depth - 1] as string);
      this.#nodes -= 1;
    }
  }

  /** Everybody with a pattern that fits, each once. The set may be the trie's own: read it, and read it now. */
  match(topic: string): ReadonlySet<S> {
    let active: ReadonlySet<Node<S>> = reach([this.#root]);
    for (const segment of topic.split('.')) {
      const next: Node<S>[] = [];
      for (const node of active) {
        if (node.deep) next.push(node);
        const exact = node.children.get(segment);
        if (exact) next.push(exact);
        const any = node.children.get('*');
        if (any) next.push(any);
      }
      if (next.length === 0) return NOBODY;
      active = reach(next);
    }
    return union([...active].map((node) => node.subscribers).filter((subscribers) => subscribers.size > 0));
  }

  /** Every pattern with somebody on it. */
  *patterns(): Generator<{ readonly pattern: string; readonly subscribers: number }> {
    const walk = function* (
      node: Node<S>,
      path: string,
    ): Generator<{ readonly pattern: string; readonly subscribers: number }> {
      if (node.subscribers.size > 0) yield { pattern: path, subscribers: node.subscribers.size };
      for (const [segment, child] of node.children) yield* walk(child, path === '' ? segment : `${path}.${segment}`);
    };
    yield* walk(this.#root, '');
  }
}

const NOBODY: ReadonlySet<never> = new Set();

function emptyNode<S>(deep: boolean): Node<S> {
  return { children: new Map(), subscribers: new Set(), deep };
}

/** These nodes, and those behind a `**` that takes no segment at all. */
function reach<S>(nodes: readonly Node<S>[]): ReadonlySet<Node<S>> {
  const reached = new Set(nodes);
  // A set is walked in the order of insertion, what is added on the way included.
  for (const node of reached) {
    const deep = node.children.get('**');
    if (deep) reached.add(deep);
  }
  return reached;
}

function union<S>(sets: readonly ReadonlySet<S>[]): ReadonlySet<S> {
  const [first = NOBODY, ...others] = sets;
  if (others.length === 0) return first;
  const all = new Set(first);
  for (const set of others) for (const one of set) all.add(one);
  return all;
}

/** What is wrong with a pattern, in words; nothing when it is right. */
export function patternFault(pattern: string): string | undefined {
  return (
    shapeFault(pattern) ??
    (pattern.split('.').some((segment) => segment.includes('*') && segment !== '*' && segment !== '**')
      ? 'expected "*" and "**" as whole segments'
      : undefined)
  );
}

/** What is wrong with the topic of a publication: it names one topic, so it has no wildcards. */
export function topicFault(topic: string): string | undefined {
  return shapeFault(topic) ?? (topic.includes('*') ? 'expected a topic without "*"' : undefined);
}

function shapeFault(text: string): string | undefined {
  if (text === '') return 'expected segments with dots between them, got an empty string';
  if (text.length > TOPIC_LENGTH_MAX) return `expected at most ${TOPIC_LENGTH_MAX} characters, got ${text.length}`;
  const segments = text.split('.');
  if (segments.length > TOPIC_SEGMENTS_MAX) {
    return `expected at most ${TOPIC_SEGMENTS_MAX} segments, got ${segments.length}`;
  }
  return segments.includes('') ? 'expected no empty segment' : undefined;
}
