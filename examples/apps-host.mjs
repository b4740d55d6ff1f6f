// A host that starts an app for its user. The app is another program (apps/captions.mjs); it crashes on purpose and is
// started again, because its user is there. Then the user is lost, the app crashes once more, and nothing is started for
// somebody who is not there.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createGateway } from 'sluice';
import { createGatewayClient } from 'sluice/grpc';

const SECRET = 'shared with the third party';
const gateway = createGateway({
  grpc: { port: 0 },
  http: { port: 0 },
  log: { level: 'silent' },
  session: { graceMs: 1_500 },
  app: { graceMs: 300 },
});
const story = [];
gateway.on('*', ({ type, reason = '', detail }) => {
  if (!/^(session|app)\./.test(type)) return;
  story.push(type);
  console.log(`${type} ${detail?.nodeId} ${reason}`.trim());
});
await gateway.start();

// The third party: it is told by webhook, checks the signature, and starts or stops its program.
const running = new Map();
const thirdParty = createServer(async (req, res) => {
  const body = Buffer.concat(await req.toArray()).toString();
  const signed = `${req.headers['x-sluice-timestamp']}.${body}`;
  const expected = `sha256=${createHmac('sha256', SECRET).update(signed).digest('hex')}`;
  if (req.headers['x-sluice-signature'] !== expected) return res.writeHead(401).end();
  const { type, sessionId } = JSON.parse(body);
  if (type === 'app.stop') running.get(sessionId)?.kill();
  else {
    const program = new URL('apps/captions.mjs', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, gateway.addresses.grpc, sessionId], { stdio: 'inherit' });
    running.set(sessionId, child);
  }
  res.end();
});
thirdParty.listen(0, '127.0.0.1');
await once(thirdParty, 'listening');
const webhook = { url: `http://127.0.0.1:${thirdParty.address().port}/`, secret: SECRET };

// A user connects, and the host starts captions for them.
const user = createGatewayClient(gateway.addresses.grpc);
const control = user.connect({ message: () => {}, ended: () => {} });
control.send({ case: 'hello', value: { nodeId: 'user' } });
const { apps } = await until(() => gateway.sessions.get('user'));
await until(() => gateway.sessions.get('user').connected);
const app = await apps.start({ packageName: 'captions', start: webhook, stop: webhook });

await until(() => app.state === 'running');
apps.send('captions', 'captions', Buffer.from('hello'));
apps.send('captions', 'captions', Buffer.from('crash'));
await until(() => app.starts === 2 && app.state === 'running');

control.cancel();
await until(() => gateway.sessions.get('user')?.state === 'grace');
const answer = apps.send('captions', 'captions', Buffer.from('anybody?'));
console.log('sent while the user is away:', JSON.stringify(answer));
[...running.values()].at(-1).kill('SIGKILL');
await until(() => gateway.sessions.get('user') === undefined);

user.close();
await gateway.stop();
thirdParty.close();
console.log('left behind:', gateway.census());

const expected = ['app.started', 'app.stopped', 'app.started', 'session.grace', 'app.resurrectionSkipped'];
const told = story.filter((type) => expected.includes(type)).slice(0, expected.length);
process.exitCode = `${told}` === `${expected}` && app.starts === 2 && answer.sent === false ? 0 : 1;

async function until(holds) {
  for (;;) {
    const value = holds();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
