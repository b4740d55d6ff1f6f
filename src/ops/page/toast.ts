/** One line for a few seconds, read aloud where pages are. */
import { byId } from './dom.js';

const SHOWN_MS = 5000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function toast(text: string): void {
  byId('toast').textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    byId('toast').textContent = '';
  }, SHOWN_MS);
}
