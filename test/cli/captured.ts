/** What a command writes, kept for a test. */
import type { Output } from '../../src/cli/remote-command.js';

export class Captured implements Output {
  text = '';

  write(text: string): void {
    this.text += text;
  }

  get lines(): readonly string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}

/** Where the two outputs of a command go. */
export function outputs(): { readonly stdout: Captured; readonly stderr: Captured } {
  return { stdout: new Captured(), stderr: new Captured() };
}
