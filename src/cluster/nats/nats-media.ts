/**
 * The connection for frames: the same servers, a socket of its own. A server cuts off a reader that does not keep up, and what
 * is cut off must not be the connection that renews the lease.
 */
import type { Undo } from '../engine.js';
import type { Media } from '../relay-send.js';
import { connectNats } from './connection.js';
import { MESSAGE_BYTES } from './nats-engine.js';
import type { NatsOptions } from './nats-options.js';
import { loadNats } from './nats-packages.js';

export interface OpenMedia extends Media {
  close(): Promise<void>;
}

export async function openNatsMedia(options: NatsOptions & { readonly node: string }): Promise<OpenMedia> {
  const packages = await loadNats();
  const connection = await connectNats(packages, { ...options, node: `${options.node} (media)` });
  const stem = `${options.prefix}.`;
  return {
    messageBytesMax: connection.info?.max_payload ?? MESSAGE_BYTES,
    publish: (subject, body) => {
      try {
        connection.publish(stem + subject, body);
      } catch {
        // At most once: what cannot be sent now is not sent, and its credit comes back with the next interest.
      }
    },
    subscribe: (subject, onMessage): Undo => {
      const subscription = connection.subscribe(stem + subject, {
        callback: (error, message) => {
          if (!error) onMessage(message.data, message.subject.slice(stem.length));
        },
      });
      return () => {
        if (!subscription.isClosed()) subscription.unsubscribe();
      };
    },
    close: () => connection.close(),
  };
}
