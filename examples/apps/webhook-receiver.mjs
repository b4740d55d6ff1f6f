// A third party that starts and stops something when a gateway says so, and that does not do it for a gateway which has lost
// the user and does not know it yet. Three checks, in this order: the signature, its age, the token.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { TokenReceiver } from 'sluice/cluster';

const SECRET = process.env.SECRET ?? 'shared with the gateway';
const AGE_MS_MAX = 5 * 60_000;
const BODY_BYTES_MAX = 64 * 1024;

/** The highest token of each user. Keep it where it survives you, if what you do for a user survives you. */
const tokens = new TokenReceiver({ keysMax: 100_000 });

const server = createServer(async (req, res) => {
  const answer = (status) => res.writeHead(status).end();
  const chunks = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return answer(413);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString();
  const timestamp = String(req.headers['x-sluice-timestamp'] ?? '');
  const signature = String(req.headers['x-sluice-signature'] ?? '');
  if (!isSigned(body, timestamp, signature)) return answer(401);
  if (!(Math.abs(Date.now() - Number(timestamp)) <= AGE_MS_MAX)) return answer(401);
  const { type, nodeId, packageName, token } = JSON.parse(body);
  // A lower token than before: another gateway has taken this user meanwhile, and has told us.
  if (!tokens.admits(nodeId, token)) return answer(409);
  console.log(`${type} ${packageName} for ${nodeId} under ${token.era}.${token.rev}`);
  answer(200);
});

function isSigned(body, timestamp, signature) {
  const own = Buffer.from(`sha256=${createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')}`);
  const theirs = Buffer.from(signature);
  return own.length === theirs.length && timingSafeEqual(own, theirs);
}

server.listen(Number(process.env.PORT ?? 8090), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
