/** What the relay benchmark asks of each server that it holds side by side. */
export interface Contender {
  /** Listens on a free port of this machine, and answers `Gateway.Watch` of any camera. */
  listen(): Promise<number>;
  viewers(): number;
  /** A picture has come from the camera: one message to each viewer. */
  publish(picture: Buffer): void;
  /** Messages that the wires have taken, of all viewers. */
  delivered(): number;
  dropped(): number;
}

export const WATCH = '/sluice.v1.Gateway/Watch';
export const CAMERA = 'bench';
