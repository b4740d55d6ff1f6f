/** One line of the screen, and how it is meant. */
export interface Line {
  readonly text: string;
  readonly tone?: 'title' | 'heading' | 'warning' | 'chosen' | 'quiet' | undefined;
}
