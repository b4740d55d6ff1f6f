/**
 * Recordings of flights: opened from a file, by button or dropped, or taken from an actor of this gateway, one that has ended
 * as well. A file is read here and goes nowhere; it needs no gateway. What is wrong with it is said in one line.
 */
import { mermaidSequence } from '../flight/sequence.js';
import { currentArea, showArea } from './areas.js';
import { Refusal, request } from './ask.js';
import { textOf } from './chart-config.js';
import { byId, make, setText } from './dom.js';
import { showEnded } from './ended.js';
import { saveText } from './exports.js';
import { forgetLife, lifeInWords, playerKey, playLife, setUpPlayer } from './player.js';
import { BadRecording, FILE_BYTES_MAX, type Life, type Moment, readRecording } from './recording-file.js';
import { toast } from './toast.js';
import { bytes, clock, many, nameOf } from './words.js';

/** So many of the last moments are drawn as a sequence. */
const SEQUENCE_MAX = 60;

const picker = byId<HTMLSelectElement>('replay-life');
const file = byId<HTMLInputElement>('replay-file');
let lives: readonly Life[] = [];
let content = '';
let shown: Life | undefined;

/**
 * Takes the recording of an actor of this gateway and shows it.
 * @param before called when there is one.
 */
export async function replayActor(id: string, before: () => void): Promise<void> {
  const text = await recordingOf(id);
  if (text === undefined) return;
  before();
  location.hash = 'replay';
  // The browser tells of the new address later.
  showArea();
  show(text, `${nameOf(id)} of this gateway`);
}

/** While nothing is open: whose recording there is to open. */
export async function showReplay(): Promise<void> {
  if (shown) return;
  await showEnded((id) => void replayActor(id, () => {}));
  // One may have been opened meanwhile.
  if (lives.length > 0) byId('ended-box').hidden = true;
}

async function recordingOf(id: string): Promise<string | undefined> {
  try {
    return await (await request(`api/actors/${encodeURIComponent(id)}/flight`)).text();
  } catch (error) {
    const nothing = error instanceof Refusal && error.status === 404;
    toast(nothing ? `Nothing is recorded of ${nameOf(id)}, or not any more.` : (error as Error).message);
    return undefined;
  }
}

async function openFile(chosen: File | undefined): Promise<void> {
  if (!chosen) return;
  if (chosen.size > FILE_BYTES_MAX) {
    refuse(chosen.name, `It has ${bytes(chosen.size)}; a recording may have ${bytes(FILE_BYTES_MAX)}.`);
    return;
  }
  try {
    show(await chosen.text(), chosen.name);
  } catch (error) {
    refuse(chosen.name, `It cannot be read: ${(error as Error).message}`);
  }
}

function show(text: string, from: string): void {
  try {
    lives = readRecording(text);
  } catch (error) {
    if (!(error instanceof BadRecording)) throw error;
    refuse(from, error.message);
    return;
  }
  content = text;
  byId('replay-bad').hidden = true;
  byId('replay-none').hidden = true;
  byId('ended-box').hidden = true;
  byId('replay-player').hidden = false;
  byId('replay-save').hidden = false;
  byId('replay-sequence').hidden = false;
  setText(byId('replay-count'), from);
  picker.replaceChildren(...lives.map((life, at) => make('option', { value: at }, nameOfLife(life, at))));
  picker.hidden = lives.length < 2;
  // Of several lives the last one that has ended is what most come for.
  const ended = lives.findLastIndex(({ endedWith }) => endedWith !== undefined);
  choose(ended < 0 ? lives.length - 1 : ended);
  byId('replay-forward').focus({ preventScroll: true });
}

function choose(at: number): void {
  const life = lives[at];
  if (!life) return;
  shown = life;
  picker.value = String(at);
  setText(byId('replay-about'), lifeInWords(life));
  playLife(life);
}

function nameOfLife({ name, moments, endedWith }: Life, at: number): string {
  const began = clock.format(moments[0]?.atMs ?? 0);
  return `${at + 1} of ${lives.length}: ${name}, from ${began}, ${endedWith === undefined ? 'has not ended' : `ended: ${endedWith.slice(0, 60)}`}`;
}

/** One line; what was open before stays open. */
function refuse(name: string, why: string): void {
  const line = byId('replay-bad');
  setText(line, `${name} is no recording. ${why}`);
  line.hidden = false;
}

function saveSequence(): void {
  if (!shown) return;
  saveText(mermaidSequence(shown.path, shown.moments.map(sequenceMoment), SEQUENCE_MAX), shown.name, 'mmd');
  toast(`The last ${many(Math.min(SEQUENCE_MAX, shown.moments.length), 'moment')} as a sequence diagram for Mermaid.`);
}

function sequenceMoment({ kind, event, value, data, actor }: Moment) {
  const said = data.map(([, text]) => text).join(' ');
  return { kind, event, text: kind === 'step' ? textOf(value) || 'running' : said, ...(actor ? { actor } : {}) };
}

function pressed(event: KeyboardEvent): void {
  if (currentArea() !== 'replay' || event.altKey || event.ctrlKey || event.metaKey) return;
  const target = event.target as Element;
  if (document.querySelector('dialog[open]') || target.closest('select, .chart, .detail, input:not([type="range"])'))
    return;
  // A button takes the space bar itself.
  if (event.key === ' ' && target.closest('button, a')) return;
  if (playerKey(event.key)) event.preventDefault();
}

/** @param onActor what a name in a recording opens. */
export function setUpReplay(onActor: (id: string) => void): void {
  setUpPlayer(onActor);
  forgetLife();
  byId('replay-open').addEventListener('click', () => file.click());
  file.addEventListener('change', () => {
    void openFile(file.files?.[0]);
    // The same file may be chosen again.
    file.value = '';
  });
  picker.addEventListener('change', () => choose(Number(picker.value)));
  byId('replay-save').addEventListener('click', () => saveText(content, shown?.name ?? 'recording', 'ndjson'));
  byId('replay-sequence').addEventListener('click', saveSequence);
  document.addEventListener('keydown', pressed);
  setUpDrop();
}

/** A file may be dropped anywhere in the area; elsewhere on the page a dropped file would make the browser leave it. */
function setUpDrop(): void {
  const place = byId('area-replay');
  const over = (event: DragEvent): void => {
    event.preventDefault();
    if (currentArea() === 'replay') place.classList.add('dropping');
  };
  addEventListener('dragover', over);
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget === null && place.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('dropping');
    if (currentArea() === 'replay') void openFile(event.dataTransfer?.files[0]);
  });
}
