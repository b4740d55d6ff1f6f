/**
 * The few lines of text before a picture in a multipart stream. Servers are free with them: line feeds alone, capitals, a
 * boundary without dashes. What is asked for is text only, and a blank line right before the picture.
 */
export interface PartHeader {
  /** The boundary line as it stands there. */
  readonly boundary: string;
  /** Content-Length, where it is given. It may lie. */
  readonly length: number | undefined;
}

/** The last part header in what stands between two pictures, provided that it ends there. */
export function partHeader(gap: string): PartHeader | undefined {
  const header = gap.slice(gap.lastIndexOf('\n--') + 1).trimStart();
  const shape = /^([\x21-\x7e][\x20-\x7e\t]*)\r?\n(?:[\x20-\x7e\t]+\r?\n)*\r?\n$/.exec(header);
  if (!shape?.[1]) return undefined;
  const length = /^content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?$/im.exec(header)?.[1];
  return { boundary: shape[1].trimEnd(), length: length === undefined ? undefined : Number(length) };
}
