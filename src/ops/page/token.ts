/**
 * The token: taken out of the address, so that it is in no history and on no screenshot, and kept for this tab only. Without
 * it the page reads and every button that acts is disabled and says why.
 */
import { byId, make, setAttribute, setText } from './dom.js';

const TOKEN_KEY = 'sluice.token';
const READ_ONLY = 'Read-only: open this page with #token=… or press “Read-only” to give the token';

let token = '';

export function currentToken(): string {
  return token;
}

export function useToken(value: string): void {
  token = value;
  try {
    if (value) sessionStorage.setItem(TOKEN_KEY, value);
    else sessionStorage.removeItem(TOKEN_KEY);
  } catch {
    // Storage may be forbidden; then the token lives as long as the page.
  }
  showRights();
}

export function storedToken(): string {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? '';
  } catch {
    // As above.
    return '';
  }
}

/** @returns whether there was one in the address. */
export function takeToken(): boolean {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return false;
  history.replaceState(null, '', location.pathname + location.search);
  useToken(given);
  return true;
}

/** A button that acts. It is disabled while there is no token. */
export function actButton(text: string, onPress: () => void, small = true): HTMLButtonElement {
  const name = `button danger${small ? ' small' : ''}`;
  const button = make('button', { class: name, type: 'button', 'data-acts': '' }, text);
  button.addEventListener('click', onPress);
  allow(button);
  return button;
}

function allow(button: HTMLButtonElement): void {
  button.disabled = token === '';
  setAttribute(button, 'title', token ? undefined : READ_ONLY);
}

function showRights(): void {
  const rights = byId('rights');
  setText(rights, token ? 'Actions on' : 'Read-only');
  rights.title = token
    ? 'Actions are allowed in this tab. Press to change or forget the token.'
    : 'Press to give the token that actions need';
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-acts]')) allow(button);
}
