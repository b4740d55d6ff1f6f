/** Something that takes several steps, and waits between them: a generator that yields whenever it has to. */

/** Waits until `resume` is called. */
export type Wait = (resume: (value?: unknown) => void) => void;

export type Operation<T = void> = Generator<Wait, T, unknown>;
