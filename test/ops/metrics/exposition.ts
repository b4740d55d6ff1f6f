/** What `/metrics` says, as a test wants to look at it. */

export interface Exposition {
  /** By name, without the suffixes of histograms. */
  readonly types: ReadonlyMap<string, string>;
  /** Values by series, `name{label="value"}`. */
  readonly series: ReadonlyMap<string, number>;
  readonly text: string;
}

export function parsed(text: string): Exposition {
  const types = new Map<string, string>();
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name && type) types.set(name, type);
    else if (line !== '' && !line.startsWith('#')) {
      const cut = line.lastIndexOf(' ');
      series.set(line.slice(0, cut), Number(line.slice(cut + 1)));
    }
  }
  return { types, series, text };
}
