/** Apps in this process, which act for sessions: they are started, get messages, and crash. */
import type { AnyActorLogic } from 'xstate';
import type { StartContext } from '../../src/otp/child-spec.js';
import { fromProcess } from '../../src/otp/from-process.js';
import type { Stage } from './stage.js';

export class AppUsers {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  start(): void {
    const session = this.#stage.dice.pick([...this.#stage.world.tree.sessions.all()].filter(({ alive }) => alive));
    if (!session) return;
    const packageName = this.#stage.dice.pick(['lamp', 'radio']) ?? '';
    const ask = this.#stage.newAsk(`app-${packageName}-${session.nodeId}`);
    this.#stage.note(`${ask.label} is started`);
    const spec = {
      packageName,
      child: ({ spawn }: StartContext) => {
        if (!session.connected)
          this.#stage.world.breach(`I-no-resurrection: ${ask.label} was started without its owner`);
        return spawn(appLogic);
      },
    };
    this.#stage.world.ask(ask, session.apps.start(spec), () => {});
  }

  message(): void {
    const session = this.#stage.dice.pick([...this.#stage.world.tree.sessions.all()]);
    const app = this.#stage.dice.pick(session?.apps.all() ?? []);
    if (!session || !app) return;
    const wasThere = session.connected;
    this.#stage.note(`a message for ${app.spec.packageName} of ${session.nodeId}`);
    const answer = session.apps.send(app.spec.packageName, 'topic', Buffer.from('hello'));
    if (!wasThere && (answer.sent || answer.resurrectionTriggered))
      this.#stage.world.breach(`I-no-resurrection: ${JSON.stringify(answer)} for an owner who is not there`);
  }

  crash(): void {
    const apps = [...this.#stage.world.system.processes].filter(({ id, alive }) => alive && id.startsWith('run:'));
    const app = this.#stage.dice.pick(apps);
    if (!app) return;
    this.#stage.note(`${app.path} crashes`);
    app.crash(new Error('simulated: an app that crashes'));
  }
}

/** An app in this process, which does nothing. */
const appLogic: AnyActorLogic = fromProcess(() => ({}), { kind: 'simulated-app' });
