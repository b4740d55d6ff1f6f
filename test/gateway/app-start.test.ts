/** What the way of an app from the wish to the run costs: nothing is waited for on it. */
import { expect, it } from 'vitest';
import { ThirdParty } from './third-party.js';
import { VirtualGateway } from './virtual-gateway.js';

it('S4-26 an app is started without any waiting of ours: the clock stands still from the wish to the run', async () => {
  const third = new ThirdParty();
  await third.listen();
  const virtual = await VirtualGateway.start();
  await virtual.connect('user');
  const session = virtual.gateway.sessions.get('user');
  if (!session) throw new Error('no session');
  const beganMs = session.process.system.clock.now();
  // All checks are on this way: the owner's grace, the token of its gateway, the budget of starts.
  const app = await session.apps.start({ packageName: 'captions', start: third.target(), stop: third.target() });
  await third.called(1);
  await virtual.connect('app-captions', { role: 'app', sessionId: session.id, packageName: 'captions' });
  expect(app.state).toBe('running');
  expect(app.starts).toBe(1);
  expect(session.process.system.clock.now()).toBe(beganMs);
  await virtual.stop();
  await third.close();
});
