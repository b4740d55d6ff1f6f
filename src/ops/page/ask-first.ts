/** Nothing is done at one press: what will happen is said first, and that it cannot be undone. */
import { act, Refusal } from './ask.js';
import { byId, within } from './dom.js';
import { toast } from './toast.js';
import { useToken } from './token.js';

export interface Deed {
  /** `Kill`, and whom: both stand on the button that says yes. */
  readonly verb: string;
  readonly name: string;
  /** Whom exactly, in full. */
  readonly id: string;
  readonly text: string;
  /** Where it is asked for; default: the action of this verb on the actor with this id. */
  readonly path?: string;
  /** What to do with the answer. @returns what to tell. */
  readonly told?: (answer: Response) => Promise<string>;
}

let asked: Deed | undefined;
let acted: () => void = () => {};

export function askFirst(deed: Deed): void {
  asked = deed;
  const { verb, name, id, text } = deed;
  byId('ask-title').textContent = `${verb} ${name}?`;
  byId('ask-path').textContent = id;
  byId('ask-text').textContent = `${text} This cannot be undone.`;
  byId('ask-yes').textContent = `${verb} ${name}`;
  byId<HTMLDialogElement>('ask').showModal();
  byId('ask-yes').focus();
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

async function perform({ verb, name, id, path, told }: Deed): Promise<void> {
  try {
    const answer = await act(path ?? `api/actors/${encodeURIComponent(id)}/${verb.toLowerCase()}`);
    toast(told ? await told(answer) : `${verb}: ${name}. Done.`);
  } catch (error) {
    const refused = error instanceof Refusal && error.status === 401;
    if (refused) useToken('');
    toast(refused ? 'The token was refused.' : `${verb} ${name}: ${(error as Error).message}`);
  }
  acted();
}
