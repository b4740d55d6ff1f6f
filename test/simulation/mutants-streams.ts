/** Rules of streams, cameras and rooms taken away, as in `mutants.ts`. */
import type { Mutant } from './mutants.js';

export const streamMutants: readonly Mutant[] = [
  {
    rule: 'what is dropped is counted',
    file: 'src/flow/outbox',
    text: 'this.#waiting.shift();\n            this.#droppedFull += 1;',
    becomes: 'this.#waiting.shift();',
  },
  {
    rule: 'a queue has a limit in bytes',
    file: 'src/flow/outbox',
    text: ' && this.#waiting.bytes + this.#sizeOf(item) <= this.#options.bytesMax',
    becomes: '',
  },
  {
    rule: 'of the latest only one waits',
    file: 'src/flow/outbox',
    text: "options.policy === 'latest' ? 1 : options.framesMax",
    becomes: 'options.framesMax',
  },
  {
    rule: 'one item is in flight',
    file: 'src/flow/outbox',
    text: 'while (this.#inFlight === 0 && this.#waiting.length > 0)',
    becomes: 'while (this.#waiting.length > 0)',
  },
  {
    rule: 'a write of audio that hangs ends its stream',
    file: 'src/gateway/send-watch',
    text: 'this.#options.onStuck();',
    becomes: 'void 0;',
  },
  {
    rule: 'a beat is answered however much waits',
    file: 'src/gateway/control-stream',
    text: "this.say({ type: 'heartbeat', timestampMs });",
    becomes: "if (!this.#outbox?.queued) this.say({ type: 'heartbeat', timestampMs });",
  },
  {
    rule: 'an attempt that is being closed is heard no more',
    file: 'src/gateway/camera',
    text: 'this.#attempt !== undefined && attempt === this.#attempts && this.process.alive;',
    becomes: 'this.process.alive;',
  },
  {
    rule: 'a source that is silent makes its camera stale',
    file: 'src/gateway/camera',
    text: "this.#send({ type: 'pictures.ceased' });",
    becomes: '',
  },
  {
    rule: 'a disconnect is told once',
    file: 'machines/camera',
    text: 'context.failures === context.retry.attempts',
    becomes: 'context.failures >= context.retry.attempts',
  },
  {
    rule: 'a source that nobody watches is let go of',
    file: 'machines/camera',
    text: "after: { linger: '#camera.alive.releasing' },",
    becomes: '',
  },
  {
    rule: 'the fast lane comes first',
    file: 'machines/camera',
    text: 'if (!fastLaneSpent(failures, retry))\n        return retry.delayMs;',
    becomes: '',
  },
  {
    rule: 'a publisher gives way to the next',
    file: 'src/cameras/push',
    text: 'before?.replace();',
    becomes: '',
  },
  {
    rule: 'who speaks does not hear itself',
    file: 'src/gateway/room-backend',
    text: 'if (ear === from || !wants(ear, from))',
    becomes: 'if (!wants(ear, from))',
  },
  {
    rule: 'who has left hears nothing',
    file: 'src/gateway/room-participant',
    text: 'this.#undo?.();',
    becomes: '',
  },
  {
    rule: 'a session in a room ends with its stream',
    file: 'src/gateway/room-participant',
    text: 'this.#stream = undefined;\n        this.#end(reason);',
    becomes: 'this.#stream = undefined;\n        return;',
  },
  {
    rule: 'who joins again has left before',
    file: 'src/gateway/rooms',
    text: "await gone(this.#users.get(request.userId), (before) => before.send({ type: 'user.superseded' }));",
    becomes: '',
  },
  {
    rule: 'a room is closed behind the last',
    file: 'src/gateway/room',
    text: 'if (this.present.size === 0)',
    becomes: 'if (false)',
  },
  {
    rule: 'what somebody plays ends when it leaves',
    file: 'src/gateway/room-participant',
    text: 'play.ownerLeft(reason);',
    becomes: ';',
  },
];
