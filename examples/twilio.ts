/** Text messages over Twilio, here in front of an emulator: somebody writes, an agent answers, statuses come back, STOP is kept. */
// #region channel
import { Agent, MockAIProvider, RoomKit, silentLogger, SMSChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { TwilioSMSProvider } from 'roomkit/twilio';
// #endregion
import { TwilioEmulator } from 'roomkit/emulators';

// #region emulator
// In the place of Twilio: the same requests, refusals, signatures and statuses, and a phone at the other end.
await using twilio = await TwilioEmulator.start();
// #endregion

// #region channel
await using kit = new RoomKit({ logger: silentLogger });
const provider = new TwilioSMSProvider({
  accountSid: twilio.accountSid, // without it: TWILIO_ACCOUNT_SID
  authToken: twilio.authToken, // without it: TWILIO_AUTH_TOKEN
  fromNumber: '+15550100',
  baseUrl: twilio.url, // without it: Twilio itself
});
kit.registerChannel(new SMSChannel('sms', { provider }));
kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: ['It left us on Monday.'] }) }));
kit.hook('on_room_created', { name: 'with_helper' }, async (event) => {
  await kit.attachChannel(event.roomId, 'helper', { category: 'intelligence' });
});
const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
// In Twilio's console this is the number's webhook for incoming messages.
twilio.webhookUrl = `${server.url}/webhooks/sms`;
// #endregion

// #region phone
kit.onDeliveryStatus(({ status }) => console.log(`  the answer was ${status}`));
const phone = twilio.phone('+15550123');
await phone.sendSms('Where is my parcel?');
const answer = await phone.waitForSms('Monday');
console.log(`${answer.from} wrote: ${answer.text}`);
await twilio.settled(); // until all statuses are reported
// #endregion

await phone.sendSms('STOP');
console.log(`Twilio wrote: ${(await phone.waitForSms()).text.slice(0, 44)}`);
const [room] = await kit.listRooms();
const { deliveryResults } = await kit.sendEventResult(room?.id ?? '', 'helper', 'One more thing …');
console.log(`the next message: ${deliveryResults['sms']?.status}, ${deliveryResults['sms']?.error?.code}`);
await server.close();

// prints:
// +15550100 wrote: It left us on Monday.
//   the answer was delivered
// Twilio wrote: You have successfully been unsubscribed. You
// the next message: failed, twilio_21610
