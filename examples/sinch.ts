/** Text messages over Sinch, here in front of an emulator: somebody writes, a desk answers, a carrier gives up. */
// #region channel
import { RoomKit, silentLogger, SMSChannel, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { SinchSMSProvider } from 'roomkit/sinch';
// #endregion
import { SinchEmulator } from 'roomkit/emulators';

// #region emulator
// In the place of Sinch: the same requests, refusals, signatures and delivery reports, and a phone at the other end.
await using sinch = await SinchEmulator.start();
// #endregion

// #region channel
await using kit = new RoomKit({ logger: silentLogger });
const provider = new SinchSMSProvider({
  servicePlanId: sinch.servicePlanId, // without it: SINCH_SERVICE_PLAN_ID
  apiToken: sinch.apiToken, // without it: SINCH_API_TOKEN
  webhookSecret: sinch.webhookSecret, // without it: SINCH_WEBHOOK_SECRET
  fromNumber: '+15550100',
  region: 'eu',
  baseUrl: sinch.url, // without it: Sinch itself, in that region
});
kit.registerChannel(new SMSChannel('sms', { provider }));
kit.registerChannel(new WebSocketChannel('desk'));
const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
// In Sinch's dashboard this is the callback URL of the service plan.
sinch.webhookUrl = `${server.url}/webhooks/sms`;
// #endregion

// #region phone
const phone = sinch.phone('+15550123');
await phone.sendSms('Are you open today?');
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', 'Until six.');
console.log((await phone.waitForSms('six')).text);
await sinch.settled(); // until all reports have come

kit.onDeliveryStatus(({ status, errorCode }) => console.log(`  ${status} ${errorCode ?? ''}`.trimEnd()));
sinch.setFate(phone.number, 'Expired', 406); // the phone is switched off
await kit.sendEvent(roomId, 'desk', 'And tomorrow until eight.');
await sinch.settled();
// #endregion
await server.close();

// prints:
// Until six.
//   failed sinch_406
