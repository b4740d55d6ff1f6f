/**
 * The page: asks once a second for what is in sight, and soon after something happened where little happens. A gateway that
 * answers slowly is asked less often, and a hidden page asks for nothing.
 */
import { openActor, setUpActor, showActor } from './actor.js';
import { currentArea, showArea } from './areas.js';
import { ask, logIn, Refusal } from './ask.js';
import { setUpDialogs } from './ask-first.js';
import { arrangePictures, setUpCameras, showCameras } from './cameras.js';
import { showCluster } from './cluster.js';
import { byId, setText, within } from './dom.js';
import { eventRate, forgetEvents, listen, refusedLine, setUpEvents, sleepEvents } from './events.js';
import { setUpGatewayActions, showDraining } from './gateway-actions.js';
import { type Health, showHealth, showUptime } from './head.js';
import { forgetSamples, remember, showHistory } from './history.js';
import { showLeaks } from './leaks.js';
import { setUpProcesses, showProcesses } from './processes.js';
import { setUpReplay, showReplay } from './replay.js';
import { showServices } from './services.js';
import { currentToken, storedToken, takeToken, useToken } from './token.js';
import { showTraffic } from './traffic.js';
import { setUpTree, showTree } from './tree.js';
import { forgetTroubles, showTroubles } from './troubles.js';

const POLL_MS = 1000;
const SOON_MS = 150;
/** So many events a digest are few: they are shown at once. More wait for the next round. */
const FEW = 25;
/** The page takes at most one part in so many of a gateway's time. */
const SHARE = 8;

let timer: ReturnType<typeof setTimeout> | undefined;
let refreshing = false;
let again = false;
let triedLogIn = '';
let node = '';

function soon(): void {
  if (refreshing) {
    again = true;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, SOON_MS);
}

async function refresh(): Promise<void> {
  if (refreshing || document.hidden) return;
  refreshing = true;
  clearTimeout(timer);
  const began = performance.now();
  try {
    await round();
    reached();
    listen();
  } catch (error) {
    notReached(error as Error);
  }
  refreshing = false;
  const tookMs = performance.now() - began;
  timer = setTimeout(refresh, Math.max(again ? SOON_MS : POLL_MS, tookMs * SHARE));
  again = false;
}

async function round(): Promise<void> {
  const health = await ask<Health>('health');
  node = health.node;
  showDraining(health.status === 'draining');
  if (showHealth(health)) {
    forgetEvents();
    forgetSamples();
    forgetTroubles();
  }
  remember({ ...health, eventsPerSecond: eventRate() });
  const [, hasCluster] = await Promise.all([showCurrent(health), showCluster(), showActor()]);
  byId('to-cluster').hidden = !hasCluster;
}

async function showCurrent(health: Health): Promise<void> {
  switch (currentArea()) {
    case 'overview':
      await Promise.all([showCameras(), showTree()]);
      break;
    case 'processes':
      return showProcesses();
    case 'clients':
      return showTraffic(health);
    case 'services':
      return showServices();
    case 'resources':
      showHistory();
      return showTroubles();
    case 'leaks':
      return showLeaks();
    case 'replay':
      return showReplay();
    case 'cluster':
      break;
  }
}

function reached(): void {
  document.body.classList.remove('unreachable');
  byId('notice').hidden = true;
}

function notReached(error: Error): void {
  // A failed fetch is a TypeError, a refused one has a status; anything else is a fault of this page.
  const refusal = error instanceof Refusal ? error : undefined;
  if (!refusal && !['TypeError', 'TimeoutError', 'AbortError'].includes(error.name)) console.error(error);
  const notice = within(byId('notice'), 'p');
  document.body.classList.add('unreachable');
  byId('notice').hidden = false;
  if (refusal?.status === 401) {
    // Reading needs a token here, or the cookie that goes with it.
    const token = currentToken();
    if (token && triedLogIn !== token) {
      triedLogIn = token;
      void logInAndLook();
    }
    setText(
      notice,
      'This gateway can be read with its token only. Open this page with #token=… or press “Read-only” above.',
    );
    refusedLine('token needed', 'wait');
    return;
  }
  setText(
    notice,
    refusal ? `The gateway answered: ${error.message}` : 'The gateway does not answer. Asking again every second.',
  );
  refusedLine(refusal ? 'refused' : 'unreachable', 'bad');
}

async function logInAndLook(): Promise<void> {
  if (await logIn()) soon();
}

function setUpRights(): void {
  const dialog = byId<HTMLDialogElement>('login');
  const input = byId<HTMLInputElement>('login-token');
  byId('rights').addEventListener('click', () => {
    input.value = '';
    dialog.showModal();
  });
  byId('login-no').addEventListener('click', () => dialog.close());
  within(dialog, 'form').addEventListener('submit', (event) => {
    event.preventDefault();
    dialog.close();
    useToken(input.value.trim());
    input.value = '';
    void logInAndLook();
  });
}

document.addEventListener('visibilitychange', () => {
  // Whoever does not look is no viewer.
  arrangePictures();
  if (document.hidden) {
    sleepEvents();
    clearTimeout(timer);
  } else void refresh();
});
addEventListener('hashchange', () => {
  if (takeToken()) void logInAndLook();
  showArea();
  arrangePictures();
  soon();
});

if (!takeToken()) useToken(storedToken());
setUpDialogs(soon);
setUpRights();
setUpCameras(soon);
setUpTree();
setUpActor();
setUpProcesses();
setUpReplay(openActor);
setUpGatewayActions(() => node);
setUpEvents((count) => {
  if (count <= FEW) soon();
});
showArea();
setInterval(showUptime, 1000);
void logIn();
void refresh();
