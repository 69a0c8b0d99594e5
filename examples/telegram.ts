/** A bot of Telegram, here in front of an emulator that speaks the Bot API; the person has a chat with it. */
// #region bot
import { RoomKit, TelegramChannel } from 'roomkit';
import { TelegramBotProvider } from 'roomkit/telegram';
// #endregion
import { silentLogger, WebSocketChannel } from 'roomkit';
import { TelegramEmulator } from 'roomkit/emulators';
import { serve } from 'roomkit/server';
// #region polling
import { TelegramPollingSource } from 'roomkit/telegram';
// #endregion

// In the place of Telegram: without `baseUrl` below, and with TELEGRAM_BOT_TOKEN in the environment, it is Telegram itself.
await using telegram = await TelegramEmulator.start();
await using kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new WebSocketChannel('desk'));

// #region bot
const provider = new TelegramBotProvider({
  botToken: telegram.botToken, // without it: the environment variable TELEGRAM_BOT_TOKEN
  baseUrl: telegram.url, // without it: Telegram
});
kit.registerChannel(new TelegramChannel('telegram', { provider }));
// #endregion

// #region webhook
await using server = await serve(kit, { port: 0 });
await provider.registerWebhook(`${server.url}/webhooks/telegram`); // or: npx roomkit webhooks app.ts
// #endregion

const chat = telegram.chat('Ada');
await chat.write('Where is my parcel?');
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');

// #region rich
await kit.sendEvent(roomId, 'desk', {
  type: 'rich',
  body: 'It is **at the depot**. Shall we send it *again*?',
  buttons: [
    { id: 'again', label: 'Yes, please', kind: 'reply', value: 'A-7' },
    { id: 'track', label: 'Follow it', kind: 'url', url: 'https://parcels.example/A-7' },
  ],
});
// #endregion
const question = await chat.waitFor('depot');
console.log(question.text);
console.log(question.looks.join(', '));
console.log(question.buttons.join(' | '));

await kit.settled();
await chat.tap('Yes, please');
const answer = (await kit.getTimeline(roomId)).at(-1);
console.log(JSON.stringify(answer?.content), JSON.stringify(answer?.metadata['action'], ['id', 'value', 'kind']));

// #region polling
await provider.removeWebhook(); // Telegram does one or the other
await kit.attachSource('telegram', new TelegramPollingSource({ provider, channelId: 'telegram' }));
// #endregion
const heard = new Promise<string>((resolve) => {
  kit.hook('after_broadcast', { name: 'heard' }, ({ content }) => resolve(content.type === 'text' ? content.body : content.type));
});
await chat.write('Thank you!');
console.log(await heard);
await kit.detachSource('telegram');

// prints:
// It is at the depot. Shall we send it again?
// bold:at the depot, italic:again
// Yes, please | Follow it
// {"type":"text","body":"Yes, please"} {"id":"again","value":"A-7","kind":"reply"}
// Thank you!
