/** RCS: a question with something to tap, the tap that comes back, and the same for a phone that has only SMS. */
import { extractText, RCSChannel, RoomKit, WebSocketChannel } from 'roomkit';
import { TelnyxEmulator } from 'roomkit/emulators';
import { serve } from 'roomkit/server';
// #region telnyx
import { TelnyxRCSProvider } from 'roomkit/telnyx';
// #endregion
// #region twilio
import { TwilioRCSProvider } from 'roomkit/twilio';
// #endregion

await using telnyx = await TelnyxEmulator.start();
// #region telnyx

const provider = new TelnyxRCSProvider({
  apiKey: telnyx.apiKey, // without it: TELNYX_API_KEY
  publicKey: telnyx.publicKey, // without it: TELNYX_PUBLIC_KEY
  agentId: telnyx.agentId,
  messagingProfileId: telnyx.messagingProfileId,
  fromNumber: '+15550100', // whose number sends the SMS where a phone has no RCS
  baseUrl: telnyx.url, // without it: Telnyx itself
});
const channel = new RCSChannel('rcs', { provider });
// #endregion
// #region twilio

const byTwilio = new TwilioRCSProvider({
  accountSid: `AC${'0'.repeat(32)}`, // without it: TWILIO_ACCOUNT_SID
  authToken: 'test-token', // without it: TWILIO_AUTH_TOKEN
  messagingServiceSid: `MG${'0'.repeat(32)}`, // with an RCS sender and a number in its pool
});
// #endregion
console.log(`or over ${byTwilio.name}`);

await using kit = new RoomKit();
kit.registerChannel(channel);
kit.registerChannel(new WebSocketChannel('desk'));
const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
telnyx.webhookUrl = `${server.url}/webhooks/rcs`;

const phone = telnyx.phone('+15550123');
await phone.sendSms('My parcel is broken.', { to: telnyx.agentId });
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');

// #region question
await kit.sendEvent(roomId, 'desk', {
  type: 'rich',
  body: 'Shall we send another, or give the money back?',
  buttons: [
    { id: 'again', label: 'Another, please', kind: 'reply', value: 'resend' },
    { id: 'refund', label: 'The money', kind: 'reply' },
  ],
});
await phone.waitForSms('another');
await phone.tap('Another, please');
const tapped = (await kit.getTimeline(roomId)).at(-1);
// #endregion
console.log(`tapped: ${tapped === undefined ? '' : extractText(tapped)} ${JSON.stringify(tapped?.metadata['action'])}`);

telnyx.withoutRcs(phone.number);
console.log(`has RCS: ${await provider.hasRcs(phone.number)}`);
await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'Is it there?', quickReplies: ['Yes', 'No'] });
console.log((await phone.waitForSms('there')).text);
await telnyx.settled();
await server.close();

// prints:
// or over twilio_rcs
// tapped: Another, please {"id":"again","value":"resend","kind":"reply"}
// has RCS: false
// Is it there?
// 1. Yes
// 2. No
