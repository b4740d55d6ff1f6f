/** What this side logs to; a pino logger fits. */
export interface HttpLog {
  /** Where it can be set, an action may. */
  level?: string;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
