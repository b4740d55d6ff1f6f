/** What may happen: the charts and the client manager's reducer, pure and without a runtime. */
export * from './app.js';
export * from './camera.js';
export * from './client.js';
export * from './client-manager.js';
export * from './client-manager-faults.js';
export * from './node.js';
export * from './participant.js';
export * from './recorder.js';
export * from './room.js';
export * from './session.js';
export * from './stream.js';
export * from './supervisor.js';
export * from './terms.js';
export * from './uplink.js';
