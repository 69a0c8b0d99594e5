/** Media that stays: a picture comes in by a link that only its vendor opens, and is in the room's own store a moment later. */
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// #region store
import { RoomKit } from 'roomkit';
import { FileMediaStore } from 'roomkit/media';

// #endregion
// #region channel
import { TransportChannel, type TransportProvider } from 'roomkit';

// #endregion
// #region serve
import { createHandler } from 'roomkit/server';

// #endregion
// #region refused
import { guardedFetch } from 'roomkit/media';

// #endregion
// A vendor of this example: its files need its token.
const vendor = createServer((request, response) => {
  if (request.headers.authorization !== 'Bearer token') response.writeHead(401).end();
  else
    response
      .writeHead(200, { 'content-type': 'image/png' })
      .end(Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg', 'base64'));
});
await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
const vendorHost = `127.0.0.1:${(vendor.address() as AddressInfo).port}`;
const directory = await mkdtemp(join(tmpdir(), 'media-'));

// #region store
const mediaStore = new FileMediaStore({
  directory,
  baseUrl: 'https://chat.example.com',
  fetch: { allowPrivate: true }, // because this vendor is on the same machine; leave it out
});
const kit = new RoomKit({ mediaStore });
// #endregion

// #region channel
const provider: TransportProvider = {
  name: 'gateway',
  send: () => ({ success: true }),
  fetchMedia: (url, { fetch, signal }) => fetch(url, { signal, credentials: { headers: { authorization: 'Bearer token' }, hosts: [vendorHost] } }),
};
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', capabilities: { mediaTypes: ['text', 'media'] }, provider }));
// #endregion

// #region events
const updated = new Promise<void>((resolve) => {
  kit.hook('on_event_updated', ({ channelData }) => {
    console.log('stored:', JSON.stringify(channelData.extra?.['media']));
    resolve();
  });
});
const { event } = await kit.processInbound({
  channelId: 'texts',
  senderId: '+15550001111',
  content: { type: 'media', url: `http://${vendorHost}/files/4711.png`, mimeType: 'image/png', caption: 'Is this normal?' },
});
await updated;
// #endregion

// #region serve
const roomId = event?.roomId ?? '';
const stored = (await kit.getEvent(roomId, event?.id ?? ''))?.content;
const link = stored?.type === 'media' ? stored.url : '';

const handle = createHandler(kit);
const picture = await handle(new Request(link));
console.log(picture.status, picture.headers.get('content-type'));
const forged = await handle(new Request(link.replace(/expires=\d/, 'expires=9')));
console.log(forged.status, ((await forged.json()) as { code: string }).code);
// #endregion

// #region delete
await kit.deleteEvent(roomId, event?.id ?? '');
await kit.close(); // waits for what still runs
const empty = new FileMediaStore({ directory, baseUrl: 'https://chat.example.com' });
console.log('left:', await empty.sweep(() => false));
// #endregion

// #region refused
const fetchMedia = guardedFetch();
for (const url of ['http://169.254.169.254/latest/meta-data', 'http://2130706433/', 'http://[::ffff:10.0.0.1]/'])
  await fetchMedia(url).catch((error: unknown) => console.log((error as { code: string }).code));
// #endregion

vendor.close();
await rm(directory, { recursive: true });

// prints:
// stored: [{"original_url":"http://127.0.0.1:…/files/4711.png","id":"…","url":"https://chat.example.com/media/…?expires=…&signature=…"}]
// 200 image/png
// 403 media_link_invalid
// left: 0
// media_url_refused
// media_url_refused
// media_url_refused
