/**
 * How wide a text is, without asking a font. The widths are Helvetica's (in thousandths of the font size), which the common
 * sans-serif faces follow closely; the SVG states each text's length, so another font is squeezed into the same place and a
 * drawing comes out the same, byte for byte, on every machine.
 */

const WIDTHS: readonly (readonly [characters: string, width: number])[] = [
  ['ijl', 222],
  ["|'", 240],
  [' !,./:;I[\\]ft·', 278],
  ['()-`r{}', 333],
  ['*"', 380],
  ['^', 469],
  ['Jcksvxyz', 500],
  ['0123456789?_abdeghnopqu$#«»–', 556],
  ['+<>=~→↻', 640],
  ['FTZL', 611],
  ['&ABEKPSVXY', 667],
  ['CDHNRUw', 722],
  ['GOQ', 778],
  ['Mm', 833],
  ['W%', 944],
  ['@…—', 1000],
];

const widthOf = new Map(WIDTHS.flatMap(([characters, width]) => [...characters].map((one) => [one, width] as const)));

/** The width in pixels; a character that the table does not know counts as an em's two thirds. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let thousandths = 0;
  for (const character of text) thousandths += widthOf.get(character) ?? 667;
  return Math.ceil((thousandths * fontSize * (bold ? 1.07 : 1)) / 100) / 10;
}

/** Breaks prose into lines of at most `widthMax` pixels, at spaces; a single longer word keeps a line of its own. */
export function wrapText(text: string, fontSize: number, widthMax: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, fontSize) <= widthMax)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
