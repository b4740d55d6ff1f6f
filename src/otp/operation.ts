/**
 * Something that may take several steps, and wait between them. What has to wait is a generator that yields whenever it
 * does; what need not is done when it has been called, for a generator costs as much as half a start.
 */

/** Waits until `resume` is called. */
export type Wait = (resume: (value?: unknown) => void) => void;

export type Operation<T = void> = Generator<Wait, T, unknown>;

/** What came of it, or the operation that ends with that. */
export type Step<T = void> = T | Operation<T>;

export function isOperation<T>(step: Step<T>): step is Operation<T> {
  return typeof (step as { readonly next?: unknown } | undefined)?.next === 'function';
}

/** A step, and what is done with what came of it. */
export function andThen<T, U>(step: Step<T>, next: (result: T) => U): Step<U> {
  return isOperation(step) ? afterwards(step, next) : next(step);
}

function* afterwards<T, U>(operation: Operation<T>, next: (result: T) => U): Operation<U> {
  return next(yield* operation);
}
