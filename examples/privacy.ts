/** Somebody asks what is kept of them, and then that it goes: an export, an erasure, and a look into the file. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractText, RoomKit, TransportChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

const folder = await mkdtemp(join(tmpdir(), 'roomkit-privacy-'));
const path = join(folder, 'desk.db');
// #region retention
const kit = new RoomKit({
  store: await SqliteStore.open(path),
  sweepIntervalSeconds: 60, // looks for what has expired once an hour; or call kit.sweepRetention() from a cron job
  retention: {
    default: { events: 365 * 86_400, blockedEvents: 30 * 86_400, closedRooms: 90 * 86_400, deliveries: 30 * 86_400 },
    organizations: { clinic: { events: 10 * 365 * 86_400 } },
  },
});
// #endregion
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms' }));
kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));

await kit.createIdentity({ id: 'ada', displayName: 'Ada Lovelace', channelAddresses: { sms: ['+15550001'] } });
await kit.createRoom({ roomId: 'room', metadata: { customer: '+15550001' } });
for (const channelId of ['texts', 'desk']) await kit.attachChannel('room', channelId);
const message = { channelId: 'texts', senderId: '+15550001', content: 'My parcel got lost', idempotencyKey: 'SM1' };
const { event } = await kit.processInbound(message, { roomId: 'room' });
await kit.sendEvent('room', 'desk', 'We are looking for it, Ada Lovelace.');

// #region export
const exported = await kit.exportPerson({ identityId: 'ada' }); // or { channelType: 'sms', address: '+15550001' }
for (const { roomId, events } of exported.rooms) console.log(`${roomId}: ${events.map(extractText).join(' | ')}`);
// #endregion

// #region erase
const report = await kit.eraseIdentity('ada');
console.log(`erased: ${report.events} events in ${report.rooms} room, ${report.identities} identity`);
console.log(`the timeline: ${JSON.stringify((await kit.getTimeline('room')).map(({ index, metadata }) => [index, metadata['erased'] ?? false]))}`);
// #endregion

// #region repeat
const repeated = await kit.processInbound(message, { roomId: 'room' });
console.log(`its vendor sends it once more: duplicate ${repeated.duplicate}, the same event: ${repeated.event?.id === event?.id}`);
// #endregion

await kit.close();
const file = await readFile(path, 'latin1');
console.log(`in the file: ${['parcel', 'Lovelace', '15550001'].some((word) => file.includes(word)) ? 'something is left' : 'nothing is left'}`);
await rm(folder, { recursive: true });

// prints:
// room: My parcel got lost
// erased: 2 events in 1 room, 1 identity
// the timeline: [[0,false],[1,false],[2,true],[3,true],[4,false]]
// its vendor sends it once more: duplicate true, the same event: true
// in the file: nothing is left
