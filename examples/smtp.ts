/** Mail both ways: a customer writes, the desk answers, and the reply lands in the same room. A mail server on loopback stands in for yours. */
import { MailEmulator } from 'roomkit/emulators';
// #region kit
import { EmailChannel, extractText, RoomKit, WebSocketChannel } from 'roomkit';
import { IMAPSource, SMTPProvider } from 'roomkit/smtp';

// #endregion
const server = await MailEmulator.start();
const { smtp, imap, address } = server;

// #region kit
const kit = new RoomKit();
const provider = new SMTPProvider({ ...smtp, fromAddress: address, fromName: 'The shop' }); // { host, user, password } of your server
kit.registerChannel(new EmailChannel('mail', { provider, roomPerThread: true }));
kit.registerChannel(new WebSocketChannel('desk'));
await kit.attachSource('mail', new IMAPSource({ ...imap, channelId: 'mail', since: '2026-11-01' }));
// #endregion

const mails = new Map<number, () => void>();
let count = 0;
// #region arrived
kit.hook('after_broadcast', { name: 'mails' }, (event) => {
  if (event.source.channelId !== 'mail') return;
  console.log(`${event.source.participantId}, ${String(event.metadata['subject'])}: ${extractText(event)}`);
  mails.get(++count)?.();
});
// #endregion
const arrived = (n: number): Promise<void> => (count >= n ? Promise.resolve() : new Promise((resolve) => mails.set(n, resolve)));

// #region conversation
const ada = server.inbox('ada@example.org');
await ada.write({ subject: 'My parcel', text: 'Where is it?\n-- \nAda Lovelace' });
await arrived(1);

const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'It is **on its way**, see [here](https://shop.example/track).' });

const mail = await ada.waitForMail('on its way');
console.log(`${mail.fromName} <${mail.from}>, ${mail.subject}: ${mail.text}`);
await ada.reply(mail, 'Thank you!');
await arrived(2);
// #endregion

console.log(`rooms: ${(await kit.listRooms()).length}, messages: ${(await kit.getTimeline(roomId)).filter(({ type }) => type === 'message').length}`);
await kit.close();
await server.close();

// prints:
// ada@example.org, My parcel: Where is it?
// The shop <desk@shop.example>, Re: My parcel: It is **on its way**, see [here](https://shop.example/track).
// ada@example.org, Re: My parcel: Thank you!
// rooms: 1, messages: 3
