/**
 * A network namespace with a wire to this machine that can be cut without anybody being told: frames go to an address that
 * nobody has. Needs root and iproute2; who has neither is skipped by name, and never under CI.
 */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

const NOBODY = '02:00:00:00:00:ba';

/** Why there can be no namespace here; empty when there can. Under CI there must be. */
export function noNamespaces(): string {
  if (process.env['CI']) return '';
  if (process.getuid?.() !== 0) return 'needs root';
  return spawnSync('ip', ['netns', 'list']).status === 0 ? '' : 'needs iproute2 and network namespaces';
}

export class FarNetwork {
  /** The namespace. */
  readonly name: string;
  /** Of this machine and of the namespace, on the wire between them. */
  readonly here: string;
  readonly there: string;
  readonly #wire: string;
  readonly #farWire: string;

  constructor() {
    const id = process.pid % 60_000;
    this.name = `sluice-${id}`;
    this.#wire = `sl${id}a`;
    this.#farWire = `sl${id}b`;
    const net = `10.213.${id % 250}`;
    this.here = `${net}.1`;
    this.there = `${net}.2`;
    ip('netns', 'add', this.name);
    onTestFinished(() => {
      spawnSync('ip', ['link', 'del', this.#wire]);
      spawnSync('ip', ['netns', 'del', this.name]);
    });
    ip('link', 'add', this.#wire, 'type', 'veth', 'peer', 'name', this.#farWire, 'netns', this.name);
    ip('addr', 'add', `${this.here}/24`, 'dev', this.#wire);
    ip('link', 'set', this.#wire, 'up');
    this.#far('addr', 'add', `${this.there}/24`, 'dev', this.#farWire);
    this.#far('link', 'set', this.#farWire, 'up');
    this.#far('link', 'set', 'lo', 'up');
  }

  /** A second address of this machine on the wire, which a cut leaves as it is. */
  another(): string {
    const address = this.here.replace(/\d+$/, '3');
    ip('addr', 'add', `${address}/24`, 'dev', this.#wire);
    return address;
  }

  /**
   * From now on nothing gets through between `here` and `there`, and nobody is told. One way: what the namespace sends is
   * lost, what is sent to it arrives.
   */
  cut(how: 'both ways' | 'one way' = 'both ways'): void {
    if (how === 'both ways')
      ip('neigh', 'replace', this.there, 'lladdr', NOBODY, 'dev', this.#wire, 'nud', 'permanent');
    this.#far('neigh', 'replace', this.here, 'lladdr', NOBODY, 'dev', this.#farWire, 'nud', 'permanent');
  }

  mend(): void {
    spawnSync('ip', ['neigh', 'del', this.there, 'dev', this.#wire]);
    this.#far('neigh', 'del', this.here, 'dev', this.#farWire);
  }

  #far(...args: readonly string[]): void {
    ip('-n', this.name, ...args);
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}
