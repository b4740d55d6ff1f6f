/** Rules of recordings taken away, as in `mutants.ts`. */
import type { Mutant } from './mutants.js';

export const recordingMutants: readonly Mutant[] = [
  {
    rule: 'a segment is put on the disk before it has its name',
    file: 'src/cameras/recording-file',
    text: 'await this.#file.sync();\n',
    becomes: '',
  },
  {
    rule: 'a name is put on the disk, too',
    file: 'src/cameras/recording-file',
    text: 'await this.#disk.rename(this.#path + PART, this.#path);\n        await syncFolder(this.#disk, dirname(this.#path));',
    becomes: 'await this.#disk.rename(this.#path + PART, this.#path);',
  },
  {
    rule: 'what is written is put on the disk every few seconds',
    file: 'src/cameras/recording-file',
    text: 'this.#sync(atMs);',
    becomes: ';',
  },
  {
    rule: 'what a crash has left is mended',
    file: 'src/cameras/recording-archive',
    text: 'const written = await mend(this.#disk, this.#pathOf(id));',
    becomes: 'const written = undefined;',
  },
  {
    rule: 'a file that cannot be read is closed',
    file: 'src/cameras/recording-file',
    text: 'await file.close().catch(() => { });\n    }\n    await disk.unlink',
    becomes: '}\n    await disk.unlink',
  },
  {
    rule: 'only what is beyond the limits goes',
    file: 'src/gateway/recording',
    text: 'segments <= (maxSegments ?? segments)',
    becomes: 'segments < (maxSegments ?? segments)',
  },
  {
    rule: 'what is too old goes',
    file: 'src/gateway/recording',
    text: 'recording.toMs >= tooOldMs && ',
    becomes: '',
  },
  {
    rule: 'what is kept is bounded in bytes',
    file: 'src/gateway/recording',
    text: ' && bytes <= (maxBytes ?? bytes)',
    becomes: '',
  },
  {
    rule: 'a disk that gets better counts so only above the limit',
    file: 'machines/recorder',
    text: 'const HYSTERESIS = 1.1;',
    becomes: 'const HYSTERESIS = 1;',
  },
  {
    rule: 'nothing is recorded on a full disk',
    file: 'machines/recorder',
    text: "on: { 'disk.full': 'pausing', 'disk.failed': 'failing' },",
    becomes: "on: { 'disk.failed': 'failing' },",
  },
  {
    rule: 'one picture a second is recorded on a scarce disk',
    file: 'src/gateway/recorder',
    text: 'this.#intake?.limit(SCARCE_FPS);',
    becomes: '',
  },
  {
    rule: 'a recorder that pauses comes back when there is room',
    file: 'machines/recorder',
    text: "'disk.scarce': 'resuming',",
    becomes: '',
  },
  {
    rule: 'a recorder that ends closes its segment',
    file: 'src/gateway/recorder',
    text: 'await this.#segments.abandon();\n            await this.#parts.archive.close();',
    becomes: 'await this.#parts.archive.close();',
  },
  {
    rule: 'a folder that is claimed is not given to another',
    file: 'src/cameras/recording-claim',
    text: 'if (by !== undefined)',
    becomes: 'if (false)',
  },
  {
    rule: 'a recorder is no viewer',
    file: 'src/gateway/recorder-intake',
    text: 'unseen = true;',
    becomes: 'unseen = false;',
  },
  {
    rule: 'whoever plays gives its file back',
    file: 'src/cameras/recording-file',
    text: 'yield { atMs, data };\n        }\n    }\n    finally {\n        await file.close();\n    }',
    becomes: 'yield { atMs, data };\n        }\n    }\n    finally { }',
  },
  {
    rule: 'only what is complete is listed',
    file: 'src/cameras/recording-archive',
    text: 'return this.#openSegment(id, file, first, session ?? id);',
    becomes:
      'this.#recordings.set(id, { id, fromMs, toMs: fromMs, frames: 1, bytes: 1, session: id }); return this.#openSegment(id, file, first, session ?? id);',
  },
];
