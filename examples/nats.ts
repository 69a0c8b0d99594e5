/** Messages from NATS: from subjects and from a stream, what happens at the moment, and what a server that is not there looks like. */
// #region source
import { RoomKit, silentLogger, TransportChannel } from 'roomkit';
import { NATSSource } from 'roomkit/nats';
// #endregion
// #region realtime
import { NATSRealtime } from 'roomkit/nats';
// #endregion
// #region source

const kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new TransportChannel('chat', { channelType: 'webhook' }));

const servers = process.env.NATS_URL ?? 'nats://127.0.0.1:1';
const source = new NATSSource({ servers, subjects: 'chat.>', queue: 'workers', channelId: 'chat' });
// #endregion
console.log(source.name.startsWith('nats:'));

// #region stream
const kept = new NATSSource({ servers, jetStream: { stream: 'CHAT', durable: 'roomkit' }, channelId: 'chat' });
// #endregion
console.log(kept.status);

// #region realtime

const several = new RoomKit({ realtime: new NATSRealtime({ servers }) });
// #endregion
await several.close();

const failed = new Promise<void>((resolve) => {
  kit.on('source_error', ({ data }) => {
    console.log(`failure ${String(data['attempt'])}: ${String(data['code'])}`);
    resolve();
  });
});
// #region source
await kit.attachSource('chat', source);
// #endregion
await failed;
console.log((await kit.sourceHealth('chat'))?.error);
await kit.close();

// prints:
// true
// stopped
// failure 1: network_error
// Source 'nats:127.0.0.1:1' cannot reach its server (ECONNREFUSED). Check its address, and what lies between.
