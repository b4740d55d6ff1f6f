/** Making and changing elements. What comes from the gateway enters the page as text, never as markup. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

/** An element of the skeleton, which is always there. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element with the id ${id}`);
  return element as T;
}

/** The first within an element that was made with it inside. */
export function within<T extends Element = HTMLElement>(element: ParentNode, selector: string): T {
  const found = element.querySelector<T>(selector);
  if (!found) throw new Error(`nothing is ${selector} here`);
  return found;
}

/** Writes only what has changed, so that nothing flickers and no selection is lost. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value))
    element.setAttribute(name, value === true ? '' : String(value));
}

export function setClass(element: Element, name: string): void {
  if (element.getAttribute('class') !== name) element.setAttribute('class', name);
}

/** The children of one parent, each kept for as long as its key is among the items. */
export class Keyed<T, E extends HTMLElement> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (item: T) => string;
  readonly #create: (item: T) => E;
  readonly #update: (element: E, item: T) => void;
  readonly #removed: ((element: E) => void) | undefined;
  #byKey = new Map<string, E>();

  constructor(
    parent: HTMLElement,
    options: {
      readonly keyOf: (item: T) => string;
      readonly create: (item: T) => E;
      readonly update: (element: E, item: T) => void;
      readonly removed?: (element: E) => void;
    },
  ) {
    this.#parent = parent;
    this.#keyOf = options.keyOf;
    this.#create = options.create;
    this.#update = options.update;
    this.#removed = options.removed;
  }

  get elements(): readonly E[] {
    return [...this.#byKey.values()];
  }

  get(key: string): E | undefined {
    return this.#byKey.get(key);
  }

  show(items: readonly T[]): void {
    const next = new Map<string, E>();
    for (const item of items) {
      const key = this.#keyOf(item);
      next.set(key, this.#byKey.get(key) ?? this.#create(item));
    }
    for (const [key, element] of this.#byKey) {
      if (next.has(key)) continue;
      this.#removed?.(element);
      element.remove();
    }
    this.#byKey = next;
    let at = this.#parent.firstElementChild;
    for (const item of items) {
      const element = next.get(this.#keyOf(item)) as E;
      this.#update(element, item);
      if (element === at) at = at.nextElementSibling;
      else this.#parent.insertBefore(element, at);
    }
  }
}
