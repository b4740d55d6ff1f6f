/** Reads `docs/acceptance.md`: a statement is a list item that begins with its number, or several numbers, in bold. */

/**
 * @typedef {{ id: string, text: string, section: string, aside: string | undefined }} Statement
 * `aside` says why no test is expected: what the types show, and what has no counterpart here.
 */

/** A number as titles and the list carry it: S0-1, D-32, M-C7, L3, E-a1, E-c. */
const NUMBER = String.raw`(?:S\d-\d+|D-\d+|M-[A-Z]\d+|L\d+|E-[a-z]\d*)`;

const ITEM = new RegExp(String.raw`^- \*\*(${NUMBER}(?: ${NUMBER})*)\*\* (.*)$`);
const ASIDE = /\((shown by types|no counterpart)\)$/;

/** @returns {{ statements: Statement[], sections: Map<string, string> }} in the order of the page. */
export function readStatements(markdown) {
  /** @type {Statement[]} */
  const statements = [];
  const sections = new Map();
  let last = [];
  for (const line of markdown.split('\n')) {
    const heading = /^## ([SDMLE]\d?) (.*)$/.exec(line);
    if (heading) sections.set(heading[1], heading[2]);
    const item = ITEM.exec(line);
    if (item) {
      last = item[1].split(' ').map((id) => ({ id, text: item[2], section: sectionOf(id), aside: undefined }));
      statements.push(...last);
    } else if (/^ {2}\S/.test(line)) {
      for (const statement of last) statement.text += ` ${line.trim()}`;
    } else {
      last = [];
    }
  }
  for (const statement of statements) statement.aside = ASIDE.exec(statement.text)?.[1];
  return { statements, sections };
}

/** `S3-12` belongs to S3, `M-C7` to M, `E-a1` to E. */
export function sectionOf(id) {
  return /^S\d/.exec(id)?.[0] ?? id[0];
}

const LEADING = new RegExp(String.raw`^(?:\(?(${NUMBER})\)?(?:[\s,;:·&+/]+(?:and\s+)?|$))`);

/** The numbers at the front of a title, in order: `S3-4, S3-5 and M-C9 a lookup…` carries three. */
export function numbersOf(title) {
  const found = [];
  let rest = title.trim();
  for (let match = LEADING.exec(rest); match; match = LEADING.exec(rest)) {
    found.push(match[1]);
    rest = rest.slice(match[0].length);
  }
  return found;
}
