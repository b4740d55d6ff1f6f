/**
 * Uplinks by id, as children of one supervisor. Which of them are wanted is kept here and not by the supervisor: one that is
 * started anew, after its own crash or a crash of what comes before it, begins with all of them. Each takes its turn behind
 * whoever had its id before: a supervisor that was killed waits for nobody, and its uplinks may still be giving back.
 */
import type { ChildSpec } from '../otp/child-spec.js';
import { describeReason, type ExitReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import { requestStop } from '../otp/signals.js';
import { supervisor } from '../otp/supervisor.js';
import { deleteChild, startChild, terminateChild } from '../otp/supervisor-api.js';
import { Place } from './place.js';
import { Turn } from './turn.js';
import { type Uplink, uplinkLogic } from './uplink.js';
import type { UplinkOptions } from './uplink-transport.js';

export interface WantedUplink {
  readonly id: string;
  readonly options: UplinkOptions;
  /** Makes it; again for each start. */
  readonly make: (turn: Turn) => Uplink;
  /** It is over and does not come back: it was ended or, with an error, refused for good or not startable. Told once. */
  readonly onOver: (error?: Error) => void;
}

export class Uplinks {
  readonly #wanted = new Map<string, WantedUplink>();
  /** The latest of each id, and whose turn it is, from its start until all is given back. */
  readonly #latest = new Map<string, { readonly uplink: Uplink; readonly turn: Turn }>();
  readonly #place = new Place();
  /** Starts their supervisor. */
  readonly start: ChildSpec['start'] = this.#place.starts(
    supervisor(() => ({
      parallelStop: true,
      children: [...this.#wanted.values()].map((wanted) => this.#spec(wanted)),
    })),
  );

  /** Wants one more, from now on; it is started with the supervisor where that does not run. Ids are unique. */
  add(wanted: WantedUplink): void {
    this.#wanted.set(wanted.id, wanted);
    const { ref } = this.#place;
    if (!ref) return;
    startChild(ref, this.#spec(wanted)).then(
      ({ error }) => {
        // The supervisor may have begun with it.
        if (error?.code === 'start_failed') this.#over(wanted, describeReason(error.reason));
      },
      () => {
        // The supervisor has ended: the next one begins with it.
      },
    );
  }

  /** Ends one. Resolves when everything that it and those before it held has been given back. Never rejects. */
  async end(id: string): Promise<void> {
    const wanted = this.#wanted.get(id);
    if (wanted) this.#over(wanted);
    const latest = this.#latest.get(id);
    if (latest) {
      // It is told so itself: its supervisor, asked to stop one, would not hear of the others until that one has ended.
      if (latest.uplink.process.alive) requestStop(latest.uplink.process, 'shutdown');
      await new Promise<void>((resolve) => latest.turn.whenOver(resolve));
    }
    await this.#discard(id);
  }

  #spec(wanted: WantedUplink): ChildSpec {
    const { id, options, make } = wanted;
    return {
      id,
      shutdown: options.closeMs + 1_000,
      backoff: { initialMs: options.retry.initialMs, maxMs: options.retry.maxMs },
      restartIf: (reason) => this.#isWanted(wanted) && !isRefused(reason),
      start: ({ spawn }) => {
        if (!this.#isWanted(wanted)) return 'ignore';
        const turn = new Turn(this.#latest.get(id)?.turn);
        const uplink = make(turn);
        const ref = spawn(uplinkLogic, uplink.input, uplink);
        this.#latest.set(id, { uplink, turn });
        turn.whenOver(() => this.#latest.get(id)?.turn === turn && this.#latest.delete(id));
        monitor(ref, ({ reason }) => {
          if (!isRefused(reason)) return;
          this.#over(wanted, uplink.view().lastError ?? '');
          void this.#discard(id);
        });
        return ref;
      },
    };
  }

  #isWanted(wanted: WantedUplink): boolean {
    return this.#wanted.get(wanted.id) === wanted;
  }

  #over(wanted: WantedUplink, refused?: string): void {
    if (!this.#isWanted(wanted)) return;
    this.#wanted.delete(wanted.id);
    wanted.onOver(refused === undefined ? undefined : new Error(`refused: ${refused}`));
  }

  /** Stops it where it still runs, and takes it off the supervisor's list. A supervisor that has ended has none. */
  async #discard(id: string): Promise<void> {
    const { ref } = this.#place;
    if (!ref) return;
    try {
      await terminateChild(ref, id);
      await deleteChild(ref, id);
    } catch {
      // The supervisor has ended meanwhile; the next one knows it no more.
    }
  }
}

function isRefused(reason: ExitReason): boolean {
  return typeof reason === 'object' && 'shutdown' in reason && reason.shutdown === 'refused';
}
