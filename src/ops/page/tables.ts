/** Tables that keep their rows, and with them the focus and the selection, while their cells change. */
import { badge, setBadge } from './badge.js';
import { byId, Keyed, make, setAttribute, setText, within } from './dom.js';
import { actButton } from './token.js';
import { number, type Tone } from './words.js';

export interface Column<T> {
  readonly label: string;
  readonly text: (item: T) => string;
  /** `number`, `mono name`, `optional` (left out where there is no room). */
  readonly look?: string;
  readonly title?: (item: T) => string;
  /** Shown as a coloured word. */
  readonly tone?: (item: T) => Tone;
  /** Makes the first column a button that opens this actor. */
  readonly opens?: (item: T) => string;
}

export interface TableOptions<T extends { readonly id: string }> {
  /** Of the panel in the skeleton: `<id>-table` is where it goes, `<id>-count` its number, `<id>-none` what an empty one says. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column<T>[];
  readonly action?: { readonly verb: string; readonly onPress: (item: T) => void; readonly name: (item: T) => string };
  readonly onOpen?: (id: string) => void;
}

type Row<T> = HTMLTableRowElement & { item?: T };

export class Table<T extends { readonly id: string }> {
  readonly #options: TableOptions<T>;
  readonly #rows: Keyed<T, Row<T>>;

  constructor(options: TableOptions<T>) {
    this.#options = options;
    const { id, title, columns, action } = options;
    const head = columns.map(({ label, look }) => make('th', { scope: 'col', class: look }, label));
    if (action) head.push(make('th', { scope: 'col', class: 'acts' }, make('span', { class: 'unseen' }, 'Action')));
    const body = make('tbody', { id });
    const caption = make('caption', { class: 'unseen' }, title);
    byId(`${id}-table`).append(make('table', {}, caption, make('thead', {}, make('tr', {}, ...head)), body));
    this.#rows = new Keyed<T, Row<T>>(body, {
      keyOf: (item) => item.id,
      create: () => this.#create(),
      update: (row, item) => this.#update(row, item),
    });
  }

  /** @param total how many there are, those not listed included. */
  show(items: readonly T[], total = items.length): void {
    const { id } = this.#options;
    this.#rows.show(items);
    byId(`${id}-none`).hidden = items.length > 0;
    byId(`${id}-table`).hidden = items.length === 0;
    const counted = items.length > 0 ? number(items.length) : '';
    setText(
      byId(`${id}-count`),
      total > items.length ? `the first ${number(items.length)} of ${number(total)}` : counted,
    );
  }

  #create(): Row<T> {
    const { columns, action, onOpen } = this.#options;
    const row = make('tr') as Row<T>;
    for (const { look, tone, opens } of columns) {
      const cell = make('td', { class: look });
      if (tone) cell.append(badge());
      if (opens && onOpen) {
        const link = make('button', { class: 'link', type: 'button' });
        link.addEventListener('click', () => row.item && onOpen(opens(row.item)));
        cell.append(link);
      }
      row.append(cell);
    }
    if (action) {
      row.append(
        make(
          'td',
          { class: 'acts' },
          actButton(action.verb, () => row.item && action.onPress(row.item)),
        ),
      );
    }
    return row;
  }

  #update(row: Row<T>, item: T): void {
    row.item = item;
    const { columns, action, onOpen } = this.#options;
    for (const [at, column] of columns.entries()) {
      const cell = row.children[at] as HTMLTableCellElement;
      const text = column.text(item);
      if (column.tone) setBadge(within(cell, '.badge'), text, column.tone(item));
      else setText(column.opens && onOpen ? within(cell, 'button') : cell, text);
      if (column.title) setAttribute(cell, 'title', column.title(item));
    }
    if (action) setAttribute(within(row, '.acts button'), 'aria-label', `${action.verb} ${action.name(item)}`);
  }
}
