// A client in a process of its own, on node:http2 alone, that can be killed or stopped: opens the streams it is given and says so.
import { connect } from 'node:http2';

const [address, openings] = process.argv.slice(2);
const session = connect(`http://${address}`);
session.on('error', () => {});
for (const { path, body, end, headers } of JSON.parse(openings)) {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => {}).resume();
  if (end) stream.end(Buffer.from(body, 'hex'));
  else stream.write(Buffer.from(body, 'hex'));
}
process.stdout.write('open\n');
