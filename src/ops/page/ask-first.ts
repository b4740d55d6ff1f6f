/** Nothing is done at one press: what will happen is said first, and whether it can be undone. */
import { act, Refusal } from './ask.js';
import { byId, make, within } from './dom.js';
import { toast } from './toast.js';
import { useToken } from './token.js';

export interface Deed {
  /** `Kill`, and whom: both stand on the button that says yes. */
  readonly verb: string;
  readonly name: string;
  /** Whom exactly, in full. */
  readonly id: string;
  readonly text: string;
  /** How it is undone; default: not at all. */
  readonly undo?: string;
  /** What is asked for as well, and sent under this name. Without options it is a text, which may be left empty. */
  readonly field?: { readonly name: string; readonly label: string; readonly options?: readonly string[] };
  /** Where it is asked for; default: the action of this verb on the actor with this id. */
  readonly path?: string;
  /** What to do with the answer. @returns what to tell. */
  readonly told?: (answer: Response) => Promise<string>;
}

let asked: Deed | undefined;
let field: HTMLInputElement | HTMLSelectElement | undefined;
let acted: () => void = () => {};

export function askFirst(deed: Deed): void {
  asked = deed;
  const { verb, name, id, text, undo = 'This cannot be undone.' } = deed;
  byId('ask-title').textContent = `${verb} ${name}?`;
  byId('ask-path').textContent = id;
  byId('ask-text').textContent = `${text} ${undo}`;
  field = deed.field && fieldOf(deed.field);
  byId('ask-field').replaceChildren(...(deed.field && field ? [make('label', {}, deed.field.label, field)] : []));
  byId('ask-yes').textContent = `${verb} ${name}`;
  byId<HTMLDialogElement>('ask').showModal();
  byId('ask-yes').focus();
}

function fieldOf({ options }: NonNullable<Deed['field']>): HTMLInputElement | HTMLSelectElement {
  if (options) return make('select', {}, ...options.map((one) => make('option', {}, one)));
  return make('input', { type: 'text', maxlength: 200, autocomplete: 'off' });
}

/** @param afterwards called when something was done. */
export function setUpDialogs(afterwards: () => void): void {
  acted = afterwards;
  const dialog = byId<HTMLDialogElement>('ask');
  byId('ask-no').addEventListener('click', () => dialog.close());
  within(dialog, 'form').addEventListener('submit', (event) => {
    event.preventDefault();
    dialog.close();
    if (asked) void perform(asked);
  });
  for (const one of document.querySelectorAll('dialog')) {
    one.addEventListener('click', (event) => {
      if (event.target === one) one.close();
    });
  }
}

async function perform({ verb, name, id, path, told, field: asks }: Deed): Promise<void> {
  try {
    const value = field?.value.trim() ?? '';
    const body = asks && value !== '' ? { [asks.name]: value } : undefined;
    const answer = await act(path ?? `api/actors/${encodeURIComponent(id)}/${verb.toLowerCase()}`, body);
    toast(told ? await told(answer) : `${verb}: ${name}. Done.`);
  } catch (error) {
    const refused = error instanceof Refusal && error.status === 401;
    if (refused) useToken('');
    toast(refused ? 'The token was refused.' : `${verb} ${name}: ${(error as Error).message}`);
  }
  acted();
}
