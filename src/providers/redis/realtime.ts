/** Ephemeral events between processes, over the channels of Redis. */
import type { RealtimeBackend, RealtimeCallback, RealtimeMessage } from '../../core/realtime/backend.js';
import { RelayedRealtime } from '../../core/realtime/relayed.js';
import { RedisConnection } from './connection.js';
import { redisOptions, type RedisOptions } from './options.js';
import { RedisSubscriber } from './subscriber.js';

/** Gives what happens at the moment to all processes that share a Redis: `new RoomKit({ realtime: new RedisRealtime({ url }) })`. */
export class RedisRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #relayed: RelayedRealtime;

  constructor(options: RedisOptions = {}) {
    const checked = redisOptions('RedisRealtime', options);
    const prefix = `${checked.prefix}realtime:`;
    this.#relayed = new RelayedRealtime((hear) => {
      const publisher = new RedisConnection('RedisRealtime', checked);
      const onMessage = (channel: string, text: string): void => hear(channel.slice(prefix.length), text);
      const subscriber = new RedisSubscriber('RedisRealtime', checked, { onMessage });
      return {
        publish: async (channel, text) => void (await publisher.run((client) => client.publish(`${prefix}${channel}`, text))),
        subscribe: (channel) => subscriber.subscribe(`${prefix}${channel}`),
        unsubscribe: (channel) => subscriber.unsubscribe(`${prefix}${channel}`),
        close: async () => void (await Promise.all([publisher.close(), subscriber.close()])),
      };
    }, checked.logger);
  }

  /** To this process at once; the others are not waited for, and hear nothing of it while Redis is away. */
  publish(channel: string, message: RealtimeMessage): void {
    this.#relayed.publish(channel, message);
  }

  subscribe(channel: string, callback: RealtimeCallback): Promise<string> {
    return this.#relayed.subscribe(channel, callback);
  }

  unsubscribe(subscriptionId: string): Promise<boolean> {
    return this.#relayed.unsubscribe(subscriptionId);
  }

  close(): Promise<void> {
    return this.#relayed.close();
  }
}
