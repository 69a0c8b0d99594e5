/** Mail over Elastic Email: a customer writes, the desk answers, and its delivery gets its tick. The vendor is emulated on loopback. */
import { ElasticEmailEmulator } from 'roomkit/emulators';
// #region kit
import { EmailChannel, extractText, RoomKit, WebSocketChannel } from 'roomkit';
import { ElasticEmailProvider } from 'roomkit/elasticemail';
import { serve } from 'roomkit/server';

// #endregion
const elastic = await ElasticEmailEmulator.start();
const { apiKey, webhookSecret, url: baseUrl } = elastic;

// #region kit
const kit = new RoomKit();
const provider = new ElasticEmailProvider({ apiKey, webhookSecret, baseUrl, fromAddress: 'desk@shop.example' });
kit.registerChannel(new EmailChannel('email', { provider, roomPerThread: true }));
kit.registerChannel(new WebSocketChannel('desk'));
const server = await serve(kit, { port: Number(process.env.PORT ?? 0) });
// Mails and events are posted to /webhooks/email/ and the secret.
// #endregion
elastic.webhookUrl = `${server.url}/webhooks/email`;

// #region conversation
const ada = elastic.inbox('ada@example.org');
await ada.write({ subject: 'My parcel', text: 'Where is it?' });
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');
const answer = await kit.sendEvent(roomId, 'desk', 'It is on its way.');

const mail = await ada.waitForMail();
console.log(`${mail.subject}: ${mail.text}`);
await ada.reply(mail, 'Thank you!');
// #endregion
await elastic.settled();
const messages = (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
console.log(messages.map((event) => extractText(event)).join(' / '));
const [delivery] = await kit.listDeliveries({ roomId, eventId: answer.id });
console.log(`the answer was ${delivery?.state ?? 'never sent'}`);

await server.close();
await kit.close();
await elastic.close();

// prints:
// Re: My parcel: It is on its way.
// Where is it? / It is on its way. / Thank you!
// the answer was delivered
