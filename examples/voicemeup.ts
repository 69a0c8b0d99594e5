/** Text messages over VoiceMeUp, here in front of an emulator: a picture that is told in two calls becomes one message. */
// #region channel
import { RoomKit, SMSChannel, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { VoiceMeUpSMSProvider } from 'roomkit/voicemeup';
// #endregion
import { VoiceMeUpEmulator } from 'roomkit/emulators';

// #region emulator
// In the place of VoiceMeUp: the same requests, answers and calls, and a phone at the other end.
await using voicemeup = await VoiceMeUpEmulator.start();
// #endregion

// #region channel
await using kit = new RoomKit();
const webhookSecret = 'a-long-secret-of-your-own'; // without it: VOICEMEUP_WEBHOOK_SECRET
const provider = new VoiceMeUpSMSProvider({
  username: voicemeup.username, // without it: VOICEMEUP_USERNAME
  authToken: voicemeup.authToken, // without it: VOICEMEUP_AUTH_TOKEN
  fromNumber: '+15145550100',
  webhookSecret,
  baseUrl: voicemeup.url, // without it: VoiceMeUp itself
});
kit.registerChannel(new SMSChannel('sms', { provider }));
kit.registerChannel(new WebSocketChannel('desk'));
const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
// In VoiceMeUp's portal this is the callback URL of the number.
voicemeup.webhookUrl = `${server.url}/webhooks/sms/${webhookSecret}`;
// #endregion

// #region phone
const phone = voicemeup.phone('+15145550123');
await phone.sendSms('Is it this one?', { media: [{ url: 'https://files.example/lamp.jpg', mimeType: 'image/jpeg' }] });
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
for (const { type, content } of await kit.getTimeline(roomId))
  if (type === 'message' && content.type === 'media') console.log(`${content.caption} ${content.url}`);

await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', 'That one, yes.');
console.log((await phone.waitForSms('yes')).text);
// #endregion
const forged = await fetch(`${server.url}/webhooks/sms/guessed`, { method: 'POST', body: '{}' });
console.log(`without the secret: ${forged.status}`);
await server.close();

// prints:
// Is it this one? https://files.example/lamp.jpg
// That one, yes.
// without the secret: 401
