// A driver of a host's own: `folder:/path?everyMs=200` shows the newest JPEG of a folder, as of a camera that uploads its pictures.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, SourceError } from 'sluice';

// Made once for each camera, before anything starts: a URL that makes no sense is refused here.
function folderDriver(url) {
  const everyMs = Number(url.searchParams.get('everyMs') ?? 1_000);
  if (!(everyMs >= 10)) throw new Error(`${url.href}: everyMs: expected at least 10, got ${everyMs}`);
  const path = decodeURIComponent(url.pathname);
  return {
    kind: 'folder',
    label: url.href, // shown on pages and in errors: without credentials, if there were any
    open: (listener, { clock }) => new FolderAttempt({ path, everyMs, listener, clock }),
  };
}

// One try. It reports to its listener until it has failed or was closed, and never before `open` has returned.
class FolderAttempt {
  #opened = false;
  #closed = false;
  #last = '';
  #looking = Promise.resolve();

  constructor(options) {
    this.options = options;
    this.timer = options.clock.setTimeout(() => this.#look(), 0);
  }

  // Resolves when everything is given back: the timer, and the file that is just being read.
  async close() {
    this.#closed = true;
    this.options.clock.clearTimeout(this.timer);
    await this.#looking;
  }

  #look() {
    const { clock, everyMs, listener, path } = this.options;
    this.#looking = this.#newest()
      .then((picture) => {
        if (this.#closed) return;
        if (!this.#opened) listener.opened();
        this.#opened = true;
        if (picture) listener.picture({ contentType: 'image/jpeg', ...picture });
        this.timer = clock.setTimeout(() => this.#look(), everyMs);
      })
      .catch((cause) => {
        // Nobody mends a path that is not there by trying again; anything else may pass.
        const final = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
        if (!this.#closed) listener.failed(new SourceError(`folder:${path}: ${cause.code}`, { final, cause }));
      });
  }

  async #newest() {
    const { path } = this.options;
    const names = (await readdir(path)).filter((name) => name.endsWith('.jpg')).sort();
    const name = names.at(-1);
    if (name === undefined || name === this.#last) return undefined;
    this.#last = name;
    const file = join(path, name);
    return { data: await readFile(file), timestampMs: (await stat(file)).mtimeMs };
  }
}

const folder = await mkdtemp(join(tmpdir(), 'sluice-folder-'));
const gateway = createGateway({
  grpc: { port: 0 },
  http: { port: 0 },
  log: { level: 'silent' },
  drivers: { 'folder:': folderDriver },
  cameras: [
    { id: 'clip', source: 'clip:' },
    { id: 'uploads', source: `folder:${folder}?everyMs=20`, fps: 10 },
    { id: 'nowhere', source: `folder:${folder}/nowhere` },
  ],
});
await gateway.start();
const snapshot = async (id) => fetch(`${gateway.addresses.http}/cameras/${id}/snapshot.jpg`);

// Somebody uploads a picture; a viewer sees it.
const picture = Buffer.from(await (await snapshot('clip')).arrayBuffer());
setTimeout(() => void writeFile(join(folder, '0001.jpg'), picture), 100);
const seen = Buffer.from(await (await snapshot('uploads')).arrayBuffer());
console.log(`a picture of ${seen.length} bytes, the same: ${seen.equals(picture)}`);

const refused = await snapshot('nowhere');
const { state, lastError } = gateway.cameras.views().find(({ id }) => id === 'nowhere');
console.log(`nowhere: status ${refused.status}, ${state}: ${lastError.replace(folder, '…')}`);

await gateway.stop();
await rm(folder, { recursive: true });
console.log('left behind:', gateway.census());
process.exitCode = seen.equals(picture) && refused.status === 503 && state === 'failed' ? 0 : 1;
