/** Text messages over Telnyx, here in front of an emulator: somebody writes, a desk answers, the answer is delivered. */
// #region channel
import { RoomKit, SMSChannel, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { TelnyxSMSProvider } from 'roomkit/telnyx';
// #endregion
import { TelnyxEmulator } from 'roomkit/emulators';

// #region emulator
// In the place of Telnyx: the same requests, refusals, signatures and statuses, and a phone at the other end.
await using telnyx = await TelnyxEmulator.start();
// #endregion

// #region channel
await using kit = new RoomKit();
const port = Number(process.env.PORT ?? 4170);
const provider = new TelnyxSMSProvider({
  apiKey: telnyx.apiKey, // without it: TELNYX_API_KEY
  publicKey: telnyx.publicKey, // without it: TELNYX_PUBLIC_KEY
  fromNumber: '+15550100',
  baseUrl: telnyx.url, // without it: Telnyx itself
});
kit.registerChannel(new SMSChannel('sms', { provider }));
kit.registerChannel(new WebSocketChannel('desk'));
const server = await serve(kit, { port });
// In Telnyx' portal this is the webhook of the messaging profile.
telnyx.webhookUrl = `${server.url}/webhooks/sms`;
// #endregion

// #region phone
const phone = telnyx.phone('+15550123');
await phone.sendSms('Is this still available?', { media: [{ url: 'https://files.example/lamp.jpg', mimeType: 'image/jpeg' }] });
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
for (const { content } of await kit.getTimeline(roomId)) if (content.type === 'media') console.log(`${content.caption} (${content.mimeType})`);

await kit.attachChannel(roomId, 'desk');
kit.onDeliveryStatus(({ status, recipient }) => console.log(`  ${status} to ${recipient}`));
await kit.sendEvent(roomId, 'desk', 'It is. Shall we keep it for you?');
console.log((await phone.waitForSms('keep it')).text);
await telnyx.settled(); // until all statuses are reported
// #endregion
await server.close();

// prints:
// Is this still available? (image/jpeg)
// It is. Shall we keep it for you?
//   delivered to +15550123
